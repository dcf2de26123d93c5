//! Some cells of the table of deliveries: product and floor of each side by side, all measured in turns.
//!
//! A floor writes the very frame that the product's clients got, so that a longer spelling of the same event is not
//! held against either. Cells that are compared with each other are open at the same time and take turns, too.

use crate::cells::Cell;
use crate::contestant::{Contestant, Depth, Rooms, Round, Turn, finish, take_turns};
use crate::options::Setup;
use crate::void::{Result, Void};

/// As many clients as the broadcasts of a round are counted for.
const USUAL_CLIENTS: usize = 1000;
/// Broadcasts of a round at least and at most, however many clients get each.
const FEWEST: usize = 20;
const MOST: usize = 5000;

/// All rounds of one cell at one depth; `product[i]` and `floor[i]` ran one after the other.
pub struct Measured {
    pub cell: Cell,
    pub depth: Depth,
    pub frame_length: usize,
    pub product: Vec<Round>,
    pub floor: Vec<Round>,
}

/// Measures these cells at each of their depths.
///
/// # Errors
/// [`Void`] of whatever spoils it: no figure of any of the cells survives.
pub async fn measure(setup: &Setup, cells: &[Cell]) -> Result<Vec<Measured>> {
    let (mut contestants, mut turns, mut labels) = (Vec::new(), Vec::new(), Vec::new());
    for cell in cells {
        let publishers = cell.depths.iter().map(|depth| depth.publishers()).max().unwrap_or(1);
        let rooms = Rooms { count: cell.rooms, members: vec![cell.dialect; cell.clients] };
        let product = Contestant::product(setup, &rooms, cell.payload, cell.by, publishers).await?;
        let frame = product.frames.get(&cell.dialect).ok_or_else(|| Void::new("nobody got a frame"))?.clone();
        let floor = Contestant::floor(setup, &frame, cell.floor_rooms, cell.clients, publishers).await?;
        for &depth in cell.depths {
            let broadcasts = broadcasts(setup, cell);
            for whose in [contestants.len(), contestants.len() + 1] {
                turns.push(Turn { whose, depth, broadcasts });
            }
            labels.push((cell.clone(), depth, frame.len()));
        }
        contestants.extend([product, floor]);
    }
    let mut rounds = take_turns(setup, &mut contestants, &turns).await?.into_iter();
    finish(contestants).await?;
    let mut all = Vec::with_capacity(labels.len());
    for (cell, depth, frame_length) in labels {
        let mut next = || rounds.next().ok_or_else(|| Void::new("a turn without rounds"));
        let (product, floor) = (next()?, next()?);
        all.push(Measured { cell, depth, frame_length, product, floor });
    }
    Ok(all)
}

/// About as many deliveries in a round of each cell, so that each takes about as long.
fn broadcasts(setup: &Setup, cell: &Cell) -> usize {
    (setup.broadcasts * USUAL_CLIENTS / cell.clients).clamp(FEWEST, MOST)
}
