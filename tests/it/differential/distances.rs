//! How far back a compressed message refers, read block by block as RFC 1951 has it. Inflaters do not
//! tell: that of the server, like most, keeps a full window however small the one agreed on.

/// The furthest distance in bytes, and how many bytes the message stands for; `None` if it is broken.
pub fn furthest(message: &[u8]) -> Option<(usize, usize)> {
    // What a sender leaves out (RFC 7692, 7.2.2), and an empty last block.
    let bytes = [message, &[0, 0, 0xFF, 0xFF, 1, 0, 0, 0xFF, 0xFF]].concat();
    let mut bits = Bits { bytes: &bytes, at: 0 };
    let mut walk = Walk { furthest: 0, made: 0 };
    loop {
        let is_last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => walk.stored(&mut bits)?,
            1 => walk.coded(&mut bits, &fixed_literals(), &Code::of(&[5; 30]))?,
            2 => {
                let (literals, distances) = codes(&mut bits)?;
                walk.coded(&mut bits, &literals, &distances)?;
            }
            _ => return None,
        }
        if is_last {
            return Some((walk.furthest, walk.made));
        }
    }
}

struct Bits<'a> {
    bytes: &'a [u8],
    /// Bits taken.
    at: usize,
}

impl Bits<'_> {
    fn take(&mut self, count: usize) -> Option<usize> {
        let mut value = 0;
        for place in 0..count {
            let byte = self.bytes.get(self.at / 8)?;
            value |= usize::from(byte >> (self.at % 8) & 1) << place;
            self.at += 1;
        }
        Some(value)
    }
}

/// A canonical Huffman code: how many symbols have each length, and the symbols in order.
struct Code {
    counts: [usize; 16],
    symbols: Vec<usize>,
}

impl Code {
    fn of(lengths: &[usize]) -> Self {
        let mut counts = [0; 16];
        for length in lengths.iter().filter(|length| **length > 0) {
            counts[*length] += 1;
        }
        let mut symbols: Vec<usize> = (0..lengths.len()).filter(|symbol| lengths[*symbol] > 0).collect();
        symbols.sort_by_key(|symbol| lengths[*symbol]);
        Self { counts, symbols }
    }

    fn read(&self, bits: &mut Bits<'_>) -> Option<usize> {
        let (mut code, mut first, mut index) = (0, 0, 0);
        for count in &self.counts[1..] {
            code |= bits.take(1)?;
            if code < first + count {
                return self.symbols.get(index + code - first).copied();
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        None
    }
}

fn fixed_literals() -> Code {
    let lengths = [vec![8; 144], vec![9; 112], vec![7; 24], vec![8; 8]].concat();
    Code::of(&lengths)
}

/// The codes that a dynamic block begins with.
fn codes(bits: &mut Bits<'_>) -> Option<(Code, Code)> {
    const ORDER: [usize; 19] = [16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15];
    let (literals, distances) = (bits.take(5)? + 257, bits.take(5)? + 1);
    let count = bits.take(4)? + 4;
    let mut lengths = [0; 19];
    for place in &ORDER[..count] {
        lengths[*place] = bits.take(3)?;
    }
    let code = Code::of(&lengths);
    let mut lengths = Vec::new();
    while lengths.len() < literals + distances {
        let (length, times) = match code.read(bits)? {
            16 => (*lengths.last()?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length, 1),
        };
        lengths.extend(vec![length; times]);
    }
    Some((Code::of(&lengths[..literals]), Code::of(&lengths[literals..])))
}

struct Walk {
    furthest: usize,
    made: usize,
}

impl Walk {
    fn stored(&mut self, bits: &mut Bits<'_>) -> Option<()> {
        bits.at = bits.at.next_multiple_of(8);
        let (length, inverse) = (bits.take(16)?, bits.take(16)?);
        if length != !inverse & 0xFFFF {
            return None;
        }
        bits.at += 8 * length;
        self.made += length;
        Some(())
    }

    fn coded(&mut self, bits: &mut Bits<'_>, literals: &Code, distances: &Code) -> Option<()> {
        loop {
            let length = match literals.read(bits)? {
                0..256 => {
                    self.made += 1;
                    continue;
                }
                256 => return Some(()),
                285 => 258,
                symbol => ranged(symbol - 257, 4, 3, bits)?,
            };
            let distance = ranged(distances.read(bits)?, 2, 1, bits)?;
            self.furthest = self.furthest.max(distance);
            self.made += length;
        }
    }
}

/// A length or a distance: `per` symbols share a number of extra bits, from `least` on.
fn ranged(symbol: usize, per: usize, least: usize, bits: &mut Bits<'_>) -> Option<usize> {
    if symbol < 2 * per {
        return Some(least + symbol);
    }
    let extra = symbol / per - 1;
    let start = (per + symbol % per) << extra;
    Some(least + start + bits.take(extra)?)
}
