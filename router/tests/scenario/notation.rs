//! Bytes in a small notation, for packets that the codec would not write.
//!
//! Hex digits are bytes, `<text>` is text behind its two bytes of length, `'text'` is text alone, and
//! `[...]` is a block behind its length as a variable byte integer, which serves for the remaining length
//! and for the properties: `10 [<MQTT> 05 02 003c [] <ab>]`.

/// The bytes that the notation stands for.
pub(crate) fn bytes(notation: &str) -> Vec<u8> {
    let mut blocks = vec![Vec::new()];
    let mut rest = notation.trim_start();
    while let Some(first) = rest.chars().next() {
        let out = blocks.last_mut().unwrap();
        let mut taken = 1;
        match first {
            '[' => blocks.push(Vec::new()),
            ']' => {
                let block = blocks.pop().unwrap();
                let out = blocks.last_mut().expect("a `[` before the `]`");
                variable_byte_integer(block.len(), out);
                out.extend(block);
            }
            '<' => {
                let (text, _) = rest[1..].split_once('>').expect("`>` closes text");
                out.extend((text.len() as u16).to_be_bytes());
                out.extend_from_slice(text.as_bytes());
                taken = text.len() + 2;
            }
            '\'' => {
                let (text, _) = rest[1..].split_once('\'').expect("`'` closes text");
                out.extend_from_slice(text.as_bytes());
                taken = text.len() + 2;
            }
            _ => {
                out.push(u8::from_str_radix(&rest[..2], 16).expect("two hex digits"));
                taken = 2;
            }
        }
        rest = rest[taken..].trim_start();
    }
    assert_eq!(blocks.len(), 1, "an open block in {notation}");
    blocks.remove(0)
}

fn variable_byte_integer(mut value: usize, out: &mut Vec<u8>) {
    while value > 127 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
