// A client of MQTT 5.0 over MQTT.js that records what it hears with all properties.
//
// Waiting is always for something to happen, bounded by PATIENCE_MS; nothing is judged by time.

'use strict'

const assert = require('node:assert/strict')
const mqtt = require('mqtt')

const PATIENCE_MS = 30_000

/** Values in the order in which they came, and those who wait for one. */
class Mailbox {
  constructor (what) {
    this.what = what
    this.values = []
    this.waiting = []
  }

  put (value) {
    const waiting = this.waiting.shift()
    if (waiting) waiting(value)
    else this.values.push(value)
  }

  take () {
    if (this.values.length) return Promise.resolve(this.values.shift())
    return new Promise((resolve, reject) => {
      const timer = setTimeout(() => reject(new Error(`no ${this.what} came`)), PATIENCE_MS)
      this.waiting.push((value) => { clearTimeout(timer); resolve(value) })
    })
  }
}

class Client {
  /** `options` are those of MQTT.js. Resolves once CONNACK has let the client in. */
  static async connect (broker, clientId, options = {}) {
    const client = new Client(broker, clientId, options)
    client.connack = await client.connacks.take()
    assert.equal(client.connack.reasonCode, 0)
    return client
  }

  constructor (broker, clientId, options) {
    this.messages = new Mailbox('message')
    this.connacks = new Mailbox('CONNACK')
    this.disconnects = new Mailbox('DISCONNECT')
    this.refusals = new Mailbox('refusal')
    this.packets = []
    this.mqtt = mqtt.connect({
      host: broker.host,
      port: broker.port,
      protocol: 'mqtt',
      protocolVersion: 5,
      clientId,
      clean: true,
      keepalive: 60,
      reconnectPeriod: 0,
      ...options
    })
    this.mqtt.on('packetreceive', (packet) => this.packets.push(packet))
    this.mqtt.on('connect', (packet) => this.connacks.put(packet))
    this.mqtt.on('disconnect', (packet) => this.disconnects.put(packet))
    this.mqtt.on('message', (topic, payload, packet) => this.messages.put({ topic, payload: payload.toString(), packet }))
    this.mqtt.on('error', (error) => this.refusals.put(error))
  }

  /** Subscribes and checks the SUBACK's codes. */
  async subscribe (filter, options = {}, codes) {
    await this.mqtt.subscribeAsync(filter, { qos: 1, ...options }).catch((error) => {
      if (!codes) throw error
    })
    const suback = this.packets.findLast((packet) => packet.cmd === 'suback')
    assert.deepEqual(suback.granted, codes ?? [options.qos ?? 1])
    return this
  }

  /** Publishes and waits for the end of the exchange; resolves to the reason code of its last packet. */
  async publish (topic, payload, options = {}) {
    await this.mqtt.publishAsync(topic, payload, { qos: 1, ...options }).catch((error) => {
      // A refusal; anything else has no code.
      if (error.code === undefined) throw error
    })
    const answer = this.packets.findLast((packet) => packet.cmd === 'puback' || packet.cmd === 'pubcomp')
    return answer?.reasonCode ?? 0
  }

  /** The next message is this one, with just these properties, if they are given. */
  async hears (topic, payload, properties, { qos, retain } = {}) {
    const message = await this.messages.take()
    assert.deepEqual([message.topic, message.payload], [topic, payload])
    if (properties) assert.deepEqual(plain(message.packet.properties), plain(properties))
    if (qos !== undefined) assert.equal(message.packet.qos, qos)
    if (retain !== undefined) assert.equal(message.packet.retain, retain)
    return message
  }

  /** Says good-bye. */
  async disconnect (options = {}) {
    await this.mqtt.endAsync(false, options)
  }

  /** Cuts the connection without DISCONNECT, as a power failure does. */
  async drop () {
    const closed = new Promise((resolve) => this.mqtt.once('close', resolve))
    this.mqtt.stream.destroy()
    await closed
  }
}

/** Without prototypes, which deepEqual looks at. */
function plain (value) {
  if (Buffer.isBuffer(value)) return { buffer: value.toString('hex') }
  if (Array.isArray(value)) return value.map(plain)
  if (value && typeof value === 'object') return Object.fromEntries(Object.entries(value).map(([key, it]) => [key, plain(it)]))
  return value
}

module.exports = { Client }
