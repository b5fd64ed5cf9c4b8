//! The input of the fuzzer, read as numbers.

/// What is left of the script.
#[derive(Debug)]
pub(crate) struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Script<'a> {
        Script(data)
    }

    pub(crate) fn is_at_end(&self) -> bool {
        self.0.is_empty()
    }

    /// The next byte, zero at the end.
    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&byte, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        byte
    }

    /// A number below `bound`, which fits a byte.
    pub(crate) fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }

    /// True once in `chances`.
    pub(crate) fn once_in(&mut self, chances: u8) -> bool {
        self.below(chances) == chances - 1
    }

    /// One of the choices.
    pub(crate) fn choose<T: Copy>(&mut self, choices: &[T]) -> T {
        choices[usize::from(self.byte()) % choices.len()]
    }

    /// The next bytes as they are; fewer at the end.
    pub(crate) fn bytes(&mut self, length: u8) -> Vec<u8> {
        let (bytes, rest) = self.0.split_at(self.0.len().min(usize::from(length)));
        self.0 = rest;
        bytes.to_vec()
    }
}
