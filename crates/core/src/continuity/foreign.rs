//! Seals that a target cannot read (decisions.md 3): taken out before the first try, since hosts refuse a whole request
//! for one of them.

use tollgate_ir::{Block, Content, Issuer, Losses, Reason, Request, Seal};

/// Whether a request carries what only other issuers can read.
pub fn has_foreign(request: &Request, readable: &[Issuer]) -> bool {
    foreign(request, readable).next().is_some()
}

fn foreign<'a>(request: &'a Request, readable: &'a [Issuer]) -> impl Iterator<Item = &'a Block> {
    request.turns.iter().flat_map(|turn| &turn.blocks).filter(|block| is_foreign(block, readable))
}

fn is_foreign(block: &Block, readable: &[Issuer]) -> bool {
    block.seal.as_ref().is_some_and(|seal| !readable.contains(&seal.issuer))
}

/// Takes out what only other issuers can read: reasoning blocks whole, of other blocks the seal alone. Turns that hold
/// nothing else go too. How many blocks were touched.
pub fn strip_foreign(request: &mut Request, readable: &[Issuer]) -> usize {
    let mut touched = 0;
    for turn in &mut request.turns {
        turn.blocks.retain_mut(|block| {
            if !is_foreign(block, readable) {
                return true;
            }
            touched += 1;
            block.seal = None;
            !matches!(block.content, Content::Reasoning(_))
        });
    }
    if touched > 0 {
        request.turns.retain(|turn| !turn.blocks.is_empty());
    }
    touched
}

/// Reports what [`strip_foreign`] takes out of what the client itself sent.
pub fn report_foreign(request: &Request, readable: &[Issuer], losses: &mut Losses) {
    for block in foreign(request, readable) {
        match block.content {
            Content::Reasoning(_) => losses.block(block, "", Reason::Dropped),
            _ => losses.part(&format!("{}.seal", block.at), Reason::Dropped),
        }
    }
}

/// A seal's short name, under which the port keeps who made it: the FNV-1a hash of its bytes, 128 bits in hex. No
/// secrecy is asked of it, only that two seals of one caller do not share a name.
pub fn seal_id(seal: &Seal) -> String {
    let mut hash: u128 = 0x6c62_272e_07bb_0142_62b8_2175_6295_c58d;
    for byte in seal.data.bytes() {
        hash = (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b);
    }
    format!("{hash:032x}")
}

/// The short names of the seals that only the key that made them can read, newest first: whose owner is known, there
/// the call should go.
pub fn seal_ids<'a>(blocks: impl DoubleEndedIterator<Item = &'a Block>) -> Vec<String> {
    blocks
        .rev()
        .filter_map(|block| block.seal.as_ref())
        .filter(|seal| seal.issuer == Issuer::OpenAi)
        .map(seal_id)
        .collect()
}
