//! Bodies of clients: taken in under a cap, a memory budget and a clock, decoded without trusting what they claim; and
//! whole replies compressed on the way out.

mod budget;
mod coding;
mod compress;
mod gathered;
mod intake;
mod source;
mod upload;

pub use budget::{BodyBudget, Reservation};
pub use coding::{Coding, DecodeError, Decoder, Output};
pub use compress::{Compressed, compress};
pub use intake::{BodyLimits, Intake, Received};
pub use upload::UploadStream;
