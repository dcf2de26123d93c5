//! Our codecs beside those of others: the same bytes must mean the same, and what one writes the
//! other must read. Where we are stricter on purpose, the difference has a name here.

mod deflate;
mod distances;
mod frames;
mod reference;
