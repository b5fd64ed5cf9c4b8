// Every property of MQTT 5.0, end to end, with MQTT.js. Usage: node programs.js HOST PORT LABEL
//
// The broker runs with the settings in v5.toml. A client that must *not* hear something is shown so by a
// marker published afterwards by the same publisher: the marker is the next thing it hears.

'use strict'

const assert = require('node:assert/strict')
const { createHash, createHmac, pbkdf2Sync, randomBytes } = require('node:crypto')
const { setTimeout: sleep } = require('node:timers/promises')
const { Client } = require('./client.js')
const { version } = require('mqtt/package.json')

const [host, port, label] = process.argv.slice(2)
const broker = { host, port: Number(port) }

let numbers = 0
const name = (text) => `${text}-${numbers++}`
const connect = (text, options) => Client.connect(broker, name(text), options)
const goodbye = (...clients) => Promise.all(clients.map((client) => client.disconnect()))
const KEPT = { clean: false, properties: { sessionExpiryInterval: 3600 } }

async function messagePropertiesArriveAsSent () {
  const topic = name('js/properties')
  const subscriber = await (await connect('sub')).subscribe(topic, { qos: 2 })
  const publisher = await connect('pub')
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'application/json',
    responseTopic: 'js/answers/here',
    correlationData: Buffer.from([0, 1, 254, 255]),
    userProperties: { b: ['1', '3'], a: '2' }
  }
  for (const qos of [0, 1, 2]) {
    await publisher.publish(topic, `{"qos":${qos}}`, { qos, properties })
    await subscriber.hears(topic, `{"qos":${qos}}`, properties, { qos })
  }
  await publisher.publish(topic, 'plain')
  const { packet } = await subscriber.hears(topic, 'plain')
  assert.equal(packet.properties, undefined)
  await goodbye(subscriber, publisher)
}

async function propertiesSurviveQueueAndRetainedStore () {
  const [topic, clientId] = [name('js/kept'), name('sleeper')]
  const properties = { contentType: 'a/b', userProperties: { x: ['1', '2'] }, responseTopic: 'r', correlationData: Buffer.from('c') }
  const first = await Client.connect(broker, clientId, KEPT)
  await first.subscribe(topic)
  await first.disconnect()
  const publisher = await connect('pub')
  await publisher.publish(topic, 'kept', { retain: true, properties })
  const back = await Client.connect(broker, clientId, KEPT)
  assert.equal(back.connack.sessionPresent, true)
  await back.hears(topic, 'kept', properties, { retain: false })
  const late = await (await connect('late')).subscribe(topic)
  await late.hears(topic, 'kept', properties, { retain: true })
  await publisher.publish(topic, '', { retain: true })
  await goodbye(back, late, publisher)
}

async function requestAndResponse () {
  const [requests, answers] = [name('js/requests'), name('js/answers')]
  const server = await (await connect('server')).subscribe(requests)
  const asker = await (await connect('asker')).subscribe(answers)
  for (const number of [1, 2, 3]) {
    const properties = { responseTopic: answers, correlationData: Buffer.from(`c${number}`) }
    await asker.publish(requests, String(number), { properties })
    const { payload, packet } = await server.hears(requests, String(number), properties)
    const { responseTopic, correlationData } = packet.properties
    await server.publish(responseTopic, String(Number(payload) * 2), { properties: { correlationData } })
    await asker.hears(answers, String(number * 2), { correlationData })
  }
  await goodbye(server, asker)
}

async function expiredMessagesAreNotDelivered () {
  const [topic, clientId] = [name('js/expiry'), name('sleeper')]
  const first = await Client.connect(broker, clientId, KEPT)
  await first.subscribe(topic)
  await first.disconnect()
  const publisher = await connect('pub')
  await publisher.publish(topic, 'short', { properties: { messageExpiryInterval: 1 } })
  await publisher.publish(topic, 'long', { properties: { messageExpiryInterval: 100 } })
  await sleep(2100)
  const back = await Client.connect(broker, clientId, KEPT)
  const { packet } = await back.hears(topic, 'long')
  const left = packet.properties.messageExpiryInterval
  assert.ok(left >= 1 && left <= 98, `${left} seconds are left`)
  await goodbye(back, publisher)
}

async function termsAreToldInConnack () {
  const client = await Client.connect(broker, '', { keepalive: 300 })
  const { properties } = client.connack
  assert.equal(properties.receiveMaximum, 20)
  assert.equal(properties.maximumPacketSize, 100_000)
  assert.equal(properties.serverKeepAlive, 60)
  assert.ok(properties.assignedClientIdentifier)
  await goodbye(client)
}

async function aWindowOfOneKeepsTheOrder () {
  const topic = name('js/window')
  const subscriber = await (await connect('sub', { properties: { receiveMaximum: 1 } })).subscribe(topic, { qos: 2 })
  const publisher = await connect('pub')
  for (let number = 0; number < 15; number++) await publisher.publish(topic, String(number), { qos: 1 + number % 2 })
  for (let number = 0; number < 15; number++) await subscriber.hears(topic, String(number))
  await goodbye(subscriber, publisher)
}

async function maximumPacketSizeOfASubscriber () {
  const topic = name('js/size')
  const small = await (await connect('small', { properties: { maximumPacketSize: 200 } })).subscribe(topic)
  const large = await (await connect('large')).subscribe(topic)
  const publisher = await connect('pub')
  await publisher.publish(topic, 'x'.repeat(1000))
  await publisher.publish(topic, 'marker')
  await small.hears(topic, 'marker')
  await large.hears(topic, 'x'.repeat(1000))
  await large.hears(topic, 'marker')
  await goodbye(small, large, publisher)
}

async function aPacketTooLargeEndsTheConnection () {
  const client = await connect('client')
  client.mqtt.publish(name('js/size'), 'x'.repeat(100_000), { qos: 1 })
  assert.equal((await client.disconnects.take()).reasonCode, 0x95)
}

async function sessionExpiryAsAskedAndAsChanged () {
  const cases = [
    [true, { sessionExpiryInterval: 3600 }, undefined],
    [false, { sessionExpiryInterval: 0 }, undefined],
    [false, { sessionExpiryInterval: 3600 }, { sessionExpiryInterval: 0 }]
  ]
  for (const [kept, properties, atDisconnect] of cases) {
    const clientId = name('session')
    const first = await Client.connect(broker, clientId, { properties })
    await first.subscribe(name('js/session'))
    await first.disconnect(atDisconnect ? { reasonCode: 0, properties: atDisconnect } : {})
    const back = await Client.connect(broker, clientId, { clean: false })
    assert.equal(back.connack.sessionPresent, kept)
    await goodbye(back)
  }
}

async function willWithAllItsProperties () {
  const topic = name('js/will')
  const watcher = await (await connect('watch')).subscribe(topic)
  const properties = {
    payloadFormatIndicator: true,
    contentType: 'text/plain',
    responseTopic: 'js/response',
    correlationData: Buffer.from([0, 1]),
    userProperties: { z: '1', a: '2' }
  }
  const rude = await connect('rude', { will: { topic, payload: Buffer.from('gone'), qos: 1, properties } })
  await rude.drop()
  await watcher.hears(topic, 'gone', properties, { qos: 1 })
  await goodbye(watcher)
}

async function willDelayIsCancelledByAResume () {
  const [topic, clientId] = [name('js/delay'), name('device')]
  const watcher = await (await connect('watch')).subscribe(topic)
  const will = (payload, willDelayInterval) => ({ topic, payload: Buffer.from(payload), qos: 1, properties: { willDelayInterval } })
  const first = await Client.connect(broker, clientId, { ...KEPT, will: will('gone', 5) })
  await first.drop()
  const back = await Client.connect(broker, clientId, { ...KEPT, will: will('gone again', 1) })
  await sleep(7000)
  const marker = await connect('marker')
  await marker.publish(topic, 'marker')
  await watcher.hears(topic, 'marker')
  await back.drop()
  await watcher.hears(topic, 'gone again')
  await goodbye(watcher, marker)
}

async function reasonCodesAreTruthful () {
  const topic = name('js/reasons')
  const client = await connect('client')
  assert.equal(await client.publish(topic, 'nobody'), 0x10)
  assert.equal(await client.publish('$SYS/broker/version', 'no'), 0x87)
  await client.mqtt.unsubscribeAsync(topic).catch(() => {})
  const unsuback = client.packets.findLast((packet) => packet.cmd === 'unsuback')
  assert.deepEqual([...unsuback.granted], [0x11])
  await client.subscribe(topic)
  assert.equal(await client.publish(topic, 'somebody'), 0)
  await client.hears(topic, 'somebody')
  await goodbye(client)
}

async function takeoverIsTold () {
  const clientId = name('twin')
  const first = await Client.connect(broker, clientId)
  const second = await Client.connect(broker, clientId)
  assert.equal((await first.disconnects.take()).reasonCode, 0x8e)
  await goodbye(second)
}

async function subscriptionOptions () {
  const [topic, kept] = [name('js/options'), name('js/kept')]
  const publisher = await connect('pub')
  await publisher.subscribe(topic, { nl: true })
  const asPublished = await (await connect('rap')).subscribe(topic, { rap: true })
  await publisher.publish(topic, 'one', { retain: true })
  await asPublished.hears(topic, 'one', undefined, { retain: true })
  await asPublished.publish(topic, 'two')
  await publisher.hears(topic, 'two')
  await publisher.publish(topic, '', { retain: true })
  await publisher.publish(kept, 'kept', { retain: true })
  const client = await connect('client')
  for (const [rh, comes] of [[2, false], [1, false], [0, true]]) {
    await client.subscribe(kept, { rh })
    if (comes) await client.hears(kept, 'kept', undefined, { retain: true })
    await publisher.publish(kept, 'marker')
    await client.hears(kept, 'marker', undefined, { retain: false })
  }
  await publisher.publish(kept, '', { retain: true })
  await goodbye(publisher, asPublished, client)
}

async function subscriptionIdentifiers () {
  const topic = name('js/identifiers')
  const client = await connect('client')
  await client.subscribe(`${topic}/#`, { properties: { subscriptionIdentifier: 1 } })
  await client.subscribe(`${topic}/+`, { properties: { subscriptionIdentifier: 268_435_455 } })
  const publisher = await connect('pub')
  await publisher.publish(`${topic}/a`, 'both')
  const { packet } = await client.hears(`${topic}/a`, 'both')
  assert.deepEqual([...packet.properties.subscriptionIdentifier].sort((a, b) => a - b), [1, 268_435_455])
  await publisher.publish(`${topic}/a/b`, 'one')
  await client.hears(`${topic}/a/b`, 'one', { subscriptionIdentifier: 1 })
  await goodbye(client, publisher)
}

async function topicAliasesFromTheClient () {
  const topic = name('js/alias')
  const subscriber = await (await connect('sub')).subscribe(`${topic}/+`)
  const publisher = await connect('pub', { autoAssignTopicAlias: true })
  for (let round = 0; round < 3; round++) {
    for (let number = 0; number < 20; number++) {
      await publisher.publish(`${topic}/${number}`, String(round))
      await subscriber.hears(`${topic}/${number}`, String(round))
    }
  }
  await goodbye(subscriber, publisher)
}

async function topicAliasesToTheClient () {
  const topic = name('js/alias/to/the/client')
  const subscriber = await (await connect('sub', { properties: { topicAliasMaximum: 3 } })).subscribe(`${topic}/+`)
  const publisher = await connect('pub')
  for (let round = 0; round < 6; round++) {
    for (let number = 0; number < 5; number++) {
      await publisher.publish(`${topic}/${number}`, String(round), { qos: number % 3 })
      await subscriber.hears(`${topic}/${number}`, String(round))
    }
  }
  const aliases = subscriber.packets.map((packet) => packet.properties?.topicAlias).filter(Boolean)
  assert.ok(aliases.length > 0, 'no alias was given to topics that repeat')
  assert.ok(aliases.every((alias) => alias <= 3))
  await goodbye(subscriber, publisher)
}

async function sharedSubscriptions () {
  const [topic, group] = [name('js/shared'), name('workers')]
  const workers = []
  for (let number = 0; number < 3; number++) workers.push(await (await connect('worker')).subscribe(`$share/${group}/${topic}/+`))
  const publisher = await connect('pub')
  for (let number = 0; number < 30; number++) await publisher.publish(`${topic}/${number}`, String(number))
  const heard = []
  for (const worker of workers) {
    for (let number = 0; number < 10; number++) heard.push(Number((await worker.messages.take()).payload))
  }
  assert.deepEqual(heard.sort((a, b) => a - b), [...Array(30).keys()])
  await goodbye(publisher, ...workers)
}

async function usersAndPasswords () {
  await goodbye(await connect('carl', { username: 'carl', password: 'password' }))
  const stranger = new Client(broker, name('stranger'), { username: 'carl', password: 'passwort' })
  assert.equal((await stranger.refusals.take()).code, 0x86)
}

/** SCRAM-SHA-256 as RFC 5802 has it: the client's answer to the server's first message, and what it expects back. */
function scram (challenge, { password, bare, nonce }) {
  const [, joined, salt, iterations] = /^r=([^,]+),s=([^,]+),i=(\d+)$/.exec(challenge)
  assert.ok(joined.startsWith(nonce) && joined !== nonce)
  const hmac = (key, text) => createHmac('sha256', key).update(text).digest()
  const salted = pbkdf2Sync(password, Buffer.from(salt, 'base64'), Number(iterations), 32, 'sha256')
  const clientKey = hmac(salted, 'Client Key')
  const withoutProof = `c=biws,r=${joined}`
  const said = `${bare},${challenge},${withoutProof}`
  const signature = hmac(createHash('sha256').update(clientKey).digest(), said)
  const proof = Buffer.from(clientKey.map((byte, at) => byte ^ signature[at])).toString('base64')
  const verifier = hmac(hmac(salted, 'Server Key'), said).toString('base64')
  return { answer: `${withoutProof},p=${proof}`, verifier: `v=${verifier}` }
}

async function enhancedAuthentication () {
  const authenticationMethod = 'SCRAM-SHA-256'
  const nonce = randomBytes(18).toString('base64')
  const bare = `n=user,r=${nonce}`
  const authenticate = async (password) => {
    const client = new Client(broker, name('scram'), { properties: { authenticationMethod, authenticationData: Buffer.from(`n,,${bare}`) } })
    client.mqtt.handleAuth = (packet, send) => {
      const { answer, verifier } = scram(packet.properties.authenticationData.toString(), { password, bare, nonce })
      client.verifier = verifier
      send(null, { cmd: 'auth', reasonCode: 0x18, properties: { authenticationMethod, authenticationData: Buffer.from(answer) } })
    }
    return client
  }
  const client = await authenticate('pencil')
  const { properties } = await client.connacks.take()
  assert.equal(properties.authenticationMethod, authenticationMethod)
  assert.equal(properties.authenticationData.toString(), client.verifier)
  await goodbye(client)
  const stranger = await authenticate('pencils')
  assert.ok([0x86, 0x87].includes((await stranger.refusals.take()).code))
}

async function responseInformation () {
  const clientId = name('asker')
  const asker = await Client.connect(broker, clientId, { properties: { requestResponseInformation: true } })
  assert.equal(asker.connack.properties.responseInformation, `response/${clientId}`)
  const other = await connect('other')
  assert.equal(other.connack.properties.responseInformation, undefined)
  await goodbye(asker, other)
}

const PROGRAMS = [
  messagePropertiesArriveAsSent,
  propertiesSurviveQueueAndRetainedStore,
  requestAndResponse,
  expiredMessagesAreNotDelivered,
  termsAreToldInConnack,
  aWindowOfOneKeepsTheOrder,
  maximumPacketSizeOfASubscriber,
  aPacketTooLargeEndsTheConnection,
  sessionExpiryAsAskedAndAsChanged,
  willWithAllItsProperties,
  willDelayIsCancelledByAResume,
  reasonCodesAreTruthful,
  takeoverIsTold,
  subscriptionOptions,
  subscriptionIdentifiers,
  topicAliasesFromTheClient,
  topicAliasesToTheClient,
  sharedSubscriptions,
  usersAndPasswords,
  enhancedAuthentication,
  responseInformation
]

async function main () {
  let failed = 0
  for (const program of PROGRAMS) {
    const title = `${label} MQTT.js ${version} MQTT 5: ${program.name}`
    try {
      await program()
      console.log(`ok   ${title}`)
    } catch (error) {
      failed += 1
      console.log(`FAIL ${title}\n${error.stack}`)
    }
  }
  // Clients that were cut on purpose must not keep the process.
  process.exit(failed ? 1 : 0)
}

main()
