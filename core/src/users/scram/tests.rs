use super::*;
use crate::users::tests::users;

/// The example of RFC 7677.
const USER: &str = "user:SCRAM-SHA-256$4096:W22ZaJ0SNY7soEsUEjb6gQ==$\
    WG5d8oPm3OtcPnkdi4Uo7BkeZkBFzpcXkuLmtbsT4qY=:wfPLwcE6nTWhTAmQ7tl2KeoiWGPlZqQxSrmfPwDl2dU=";
const CLIENT_FIRST: &str = "n,,n=user,r=rOprNGfwEbeRWgbNEkqO";
const SERVER_NONCE: &str = "%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0";
const SERVER_FIRST: &str = "r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
    s=W22ZaJ0SNY7soEsUEjb6gQ==,i=4096";
const CLIENT_FINAL: &str = "c=biws,r=rOprNGfwEbeRWgbNEkqO%hvYDpWUa2RaTCAfuxFIlj)hNlF$k0,\
    p=dHzbZapWIk4jUhN+Ute9ytag9zjfMHgsqmmiz7AndVQ=";
const SERVER_FINAL: &str = "v=6rriTRBi23WpRR/wtup+mMhUZUn/dB5nLTJRsjl95G4=";

fn begin(client_first: &str) -> Option<(Challenged, String)> {
    Challenged::begin(&users(USER), client_first.as_bytes(), SERVER_NONCE)
}

/// A client's answer to a challenge, by the words of RFC 5802 section 3; without SASLprep.
pub(crate) fn client_final(first_bare: &str, challenge: &str, password: &str) -> String {
    let mut attributes = challenge.split(',').map(|it| &it[2..]);
    let (nonce, salt) = (attributes.next().unwrap(), attributes.next().unwrap());
    let iterations: u32 = attributes.next().unwrap().parse().unwrap();
    let mut salted = [0; 32];
    let salt = BASE64.decode(salt).unwrap();
    pbkdf2::pbkdf2_hmac::<Sha256>(password.as_bytes(), &salt, iterations, &mut salted);
    let client_key = hmac(&salted, b"Client Key");
    let stored_key: [u8; 32] = Sha256::digest(client_key).into();
    let without_proof = format!("c=biws,r={nonce}");
    let signature = hmac(
        &stored_key,
        format!("{first_bare},{challenge},{without_proof}").as_bytes(),
    );
    let proof: Vec<u8> = client_key
        .iter()
        .zip(signature)
        .map(|(a, b)| a ^ b)
        .collect();
    format!("{without_proof},p={}", BASE64.encode(proof))
}

#[test]
fn the_example_of_the_rfc() {
    let (challenged, answer) = begin(CLIENT_FIRST).unwrap();
    assert_eq!(answer, SERVER_FIRST);
    assert_eq!(
        client_final("n=user,r=rOprNGfwEbeRWgbNEkqO", &answer, "pencil"),
        CLIENT_FINAL
    );
    assert_eq!(
        challenged.end(CLIENT_FINAL.as_bytes()).as_deref(),
        Some(SERVER_FINAL)
    );
}

#[test]
fn verifiers_are_made_as_postgresql_makes_them() {
    let salt = BASE64.decode("W22ZaJ0SNY7soEsUEjb6gQ==").unwrap();
    let verifier = ScramVerifier::of("pencil", &salt, 4_096);
    assert_eq!(format!("user:{verifier}"), USER);
    // SASLprep: a soft hyphen goes, a Roman numeral becomes letters. [RFC 4013 section 3]
    let plain = |password| ScramVerifier::of(password, &salt, 1);
    assert_eq!(plain("I\u{AD}X"), plain("IX"));
    assert_eq!(plain("\u{2168}"), plain("IX"));
    assert_ne!(plain("\u{7}"), plain(""));
}

#[test]
fn any_other_end_is_refused() {
    let (challenged, _) = begin(CLIENT_FIRST).unwrap();
    let last = CLIENT_FINAL.len() - 1;
    for wrong in [
        CLIENT_FINAL.replace("p=dHz", "p=dHy"),
        CLIENT_FINAL.replace("c=biws", "c=eSws"),
        CLIENT_FINAL.replace("$k0,", "$k1,"),
        CLIENT_FINAL.replace(",p=", ",x=y,p="),
        CLIENT_FINAL[..last].to_owned(),
        CLIENT_FINAL.replace("c=biws,", ""),
        "e=other-error".to_owned(),
        String::new(),
    ] {
        assert_eq!(challenged.end(wrong.as_bytes()), None, "{wrong}");
    }
    assert_eq!(challenged.end(b"\xff"), None);
}

#[test]
fn a_stranger_is_refused_at_the_end() {
    let (challenged, answer) = begin("n,,n=nobody,r=abc").unwrap();
    assert!(answer.ends_with(",i=4096"), "{answer}");
    let proof = client_final("n=nobody,r=abc", &answer, "pencil");
    assert_eq!(challenged.end(proof.as_bytes()), None);
}

#[test]
fn beginnings() {
    for good in [
        "y,,n=user,r=abc",
        "n,a=user,n=user,r=abc",
        "n,,n=user,r=abc,x=extension",
        "n,a=a=2Cb=3Dc,n=a=2Cb=3Dc,r=abc",
    ] {
        assert!(begin(good).is_some(), "{good}");
    }
    for bad in [
        "",
        "n,,",
        "n=user,r=abc",
        "p=tls-unique,,n=user,r=abc",
        "n,a=other,n=user,r=abc",
        "n,user,n=user,r=abc",
        "n,,m=x,n=user,r=abc",
        "n,,n=,r=abc",
        "n,,n=user,r=",
        "n,,n=user,r=a b",
        "n,,n=us=er,r=abc",
        "n,,n=us=,r=abc",
        "n,,n=us=2\u{e4},r=abc",
        "n,,r=abc,n=user",
    ] {
        assert!(begin(bad).is_none(), "{bad}");
    }
}
