//! One cell of the table: product and floor side by side, measured in turns.
//!
//! The floor writes the very frame that the product's clients got, so that a longer spelling of the same event is not
//! held against either.

use crate::contestant::{Contestant, Round, finish, in_turns};
use crate::options::{Cell, Setup};
use crate::void::{Result, Void};

/// All rounds of one cell at one depth; `product[i]` and `floor[i]` ran one after the other.
pub struct Measured {
    pub cell: Cell,
    pub in_flight: usize,
    pub frame_length: usize,
    pub product: Vec<Round>,
    pub floor: Vec<Round>,
}

/// Measures one cell at each of its depths.
///
/// # Errors
/// [`Void`] of whatever spoils it: no figure of the cell survives.
pub async fn measure(setup: &Setup, cell: &Cell) -> Result<Vec<Measured>> {
    let publishers = cell.depths.iter().copied().max().unwrap_or(1);
    let dialects = std::iter::repeat_n(cell.dialect, cell.clients);
    let product = Contestant::product(setup, dialects, cell.payload, publishers).await?;
    let frame = product.frames.get(&cell.dialect).ok_or_else(|| Void::new("nobody got a frame"))?.clone();
    let floor = Contestant::floor(setup, &frame, cell.clients, publishers).await?;
    let mut both = [product, floor];
    let mut all = Vec::new();
    for &in_flight in &cell.depths {
        let [product, floor] = in_turns(setup, &mut both, in_flight).await?;
        all.push(Measured { cell: cell.clone(), in_flight, frame_length: frame.len(), product, floor });
    }
    finish(both).await?;
    Ok(all)
}
