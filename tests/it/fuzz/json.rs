//! JSON for the models: a tree of ranges, read by recursion, without the library that the codecs
//! use.

use std::ops::Range;

/// A value, and where it stands.
#[derive(Debug)]
pub struct Tree {
    pub range: Range<usize>,
    pub node: Node,
}

#[derive(Debug)]
pub enum Node {
    /// A string, a number or a literal.
    Scalar,
    Array(Vec<Tree>),
    /// Keys in their quotes.
    Object(Vec<(Range<usize>, Tree)>),
}

/// Why there is no tree.
#[derive(Debug, PartialEq)]
pub enum NoTree {
    NotJson,
    /// Deeper than a model wants to follow.
    Deep,
}

const DEEPEST: usize = 200;

/// Reads one value, with whitespace around it.
pub fn tree(text: &str) -> Result<Tree, NoTree> {
    let mut reader = Reader { bytes: text.as_bytes(), at: 0 };
    reader.skip_whitespace();
    let tree = reader.value(0)?;
    reader.skip_whitespace();
    if reader.at == text.len() { Ok(tree) } else { Err(NoTree::NotJson) }
}

impl Tree {
    /// Hands every object to `each`, the outer before the inner, in the order of the text.
    pub fn objects<'t>(&'t self, each: &mut impl FnMut(&'t Tree, &'t [(Range<usize>, Tree)])) {
        match &self.node {
            Node::Scalar => {}
            Node::Array(items) => items.iter().for_each(|item| item.objects(each)),
            Node::Object(entries) => {
                each(self, entries);
                entries.iter().for_each(|(_, value)| value.objects(each));
            }
        }
    }
}

/// What a string says; `None` for half a surrogate pair.
pub fn said(quoted: &str) -> Option<String> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    let mut units: Vec<u16> = Vec::new();
    let mut chars = inner.chars();
    while let Some(char) = chars.next() {
        let meant = match char {
            '\\' => match chars.next()? {
                'u' => {
                    let digits: String = chars.by_ref().take(4).collect();
                    units.push(u16::from_str_radix(&digits, 16).ok()?);
                    continue;
                }
                'b' => '\u{8}',
                'f' => '\u{c}',
                'n' => '\n',
                'r' => '\r',
                't' => '\t',
                other => other,
            },
            plain => plain,
        };
        units.extend(meant.encode_utf16(&mut [0; 2]).iter());
    }
    String::from_utf16(&units).ok()
}

struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl Reader<'_> {
    fn value(&mut self, depth: usize) -> Result<Tree, NoTree> {
        if depth > DEEPEST {
            return Err(NoTree::Deep);
        }
        let start = self.at;
        let node = match self.peek() {
            Some(b'[') => Node::Array(self.items(depth)?),
            Some(b'{') => Node::Object(self.entries(depth)?),
            Some(b'"') => self.string().map(|_| Node::Scalar)?,
            Some(b'-' | b'0'..=b'9') => self.number().map(|()| Node::Scalar)?,
            _ => {
                let word = ["true", "false", "null"].into_iter().find(|word| self.takes(word.as_bytes()));
                word.map(|_| Node::Scalar).ok_or(NoTree::NotJson)?
            }
        };
        Ok(Tree { range: start..self.at, node })
    }

    fn items(&mut self, depth: usize) -> Result<Vec<Tree>, NoTree> {
        self.list(b']', |reader| reader.value(depth + 1))
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<(Range<usize>, Tree)>, NoTree> {
        self.list(b'}', |reader| {
            let key = reader.string()?;
            reader.skip_whitespace();
            reader.expect(b':')?;
            reader.skip_whitespace();
            Ok((key, reader.value(depth + 1)?))
        })
    }

    fn list<T>(
        &mut self,
        end: u8,
        mut item: impl FnMut(&mut Self) -> Result<T, NoTree>,
    ) -> Result<Vec<T>, NoTree> {
        self.at += 1;
        let mut list = Vec::new();
        self.skip_whitespace();
        if self.takes(&[end]) {
            return Ok(list);
        }
        loop {
            self.skip_whitespace();
            list.push(item(self)?);
            self.skip_whitespace();
            if self.takes(&[end]) {
                return Ok(list);
            }
            self.expect(b',')?;
        }
    }

    fn string(&mut self) -> Result<Range<usize>, NoTree> {
        let start = self.at;
        self.expect(b'"')?;
        loop {
            match self.next()? {
                b'"' => return Ok(start..self.at),
                b'\\' => match self.next()? {
                    b'u' => {
                        for _ in 0..4 {
                            if !self.next()?.is_ascii_hexdigit() {
                                return Err(NoTree::NotJson);
                            }
                        }
                    }
                    b'"' | b'\\' | b'/' | b'b' | b'f' | b'n' | b'r' | b't' => {}
                    _ => return Err(NoTree::NotJson),
                },
                0..0x20 => return Err(NoTree::NotJson),
                _ => {}
            }
        }
    }

    fn number(&mut self) -> Result<(), NoTree> {
        self.takes(b"-");
        if !self.takes(b"0") {
            self.digits()?;
        }
        if self.takes(b".") {
            self.digits()?;
        }
        if self.takes(b"e") || self.takes(b"E") {
            let _ = self.takes(b"+") || self.takes(b"-");
            self.digits()?;
        }
        Ok(())
    }

    fn digits(&mut self) -> Result<(), NoTree> {
        let start = self.at;
        while self.peek().is_some_and(|byte| byte.is_ascii_digit()) {
            self.at += 1;
        }
        if self.at > start { Ok(()) } else { Err(NoTree::NotJson) }
    }

    fn skip_whitespace(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    fn takes(&mut self, word: &[u8]) -> bool {
        let is_there = self.bytes[self.at..].starts_with(word);
        self.at += if is_there { word.len() } else { 0 };
        is_there
    }

    fn expect(&mut self, byte: u8) -> Result<(), NoTree> {
        if self.takes(&[byte]) { Ok(()) } else { Err(NoTree::NotJson) }
    }

    fn next(&mut self) -> Result<u8, NoTree> {
        let byte = self.peek().ok_or(NoTree::NotJson)?;
        self.at += 1;
        Ok(byte)
    }

    fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }
}
