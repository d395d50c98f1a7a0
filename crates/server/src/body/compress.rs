//! Compression of whole replies. Streams are never compressed: an event must not wait in a compressor.

use std::io::Write;

use bytes::Bytes;

use super::coding::Coding;

/// Below this, headers cost more than compression saves.
const WORTHWHILE: usize = 1024;

/// A reply that became smaller.
#[derive(Debug)]
pub struct Compressed {
    /// For `content-encoding`; `vary: accept-encoding` goes with it.
    pub coding: Coding,
    /// The body.
    pub bytes: Bytes,
}

/// Compresses a whole reply as the client's `accept-encoding` allows; `None` if it should go as it is.
pub fn compress(body: &[u8], accept_encoding: &str) -> Option<Compressed> {
    if body.len() < WORTHWHILE {
        return None;
    }
    let coding = preferred(accept_encoding)?;
    let bytes = encode(body, coding)?;
    (bytes.len() < body.len()).then(|| Compressed { coding, bytes: bytes.into() })
}

/// The client's weights first; at equal weight zstd, br, gzip, by speed for the size gained.
fn preferred(accept_encoding: &str) -> Option<Coding> {
    let mut any = 0;
    let mut weights = [(Coding::Zstd, None), (Coding::Brotli, None), (Coding::Gzip, None)];
    for item in accept_encoding.split(',') {
        let mut parts = item.split(';').map(str::trim);
        let name = parts.next().unwrap_or_default();
        let weight = parts.find_map(|part| part.strip_prefix("q=")).map_or(1000, millis);
        if name == "*" {
            any = weight;
        }
        for (coding, slot) in &mut weights {
            if name.eq_ignore_ascii_case(coding.name())
                || (*coding == Coding::Gzip && name.eq_ignore_ascii_case("x-gzip"))
            {
                *slot = Some(weight);
            }
        }
    }
    let mut best = None;
    for (coding, weight) in weights {
        let weight = weight.unwrap_or(any);
        if weight > best.map_or(0, |(_, most)| most) {
            best = Some((coding, weight));
        }
    }
    best.map(|(coding, _)| coding)
}

/// A quality value in thousandths; what cannot be read counts as refused.
fn millis(quality: &str) -> u16 {
    quality.trim().parse::<f32>().map_or(0, |q| (q.clamp(0.0, 1.0) * 1000.0) as u16)
}

fn encode(body: &[u8], coding: Coding) -> Option<Vec<u8>> {
    match coding {
        Coding::Zstd => zstd::bulk::compress(body, 3).ok(),
        Coding::Gzip => {
            let mut encoder =
                flate2::write::GzEncoder::new(Vec::with_capacity(body.len() / 3), flate2::Compression::fast());
            encoder.write_all(body).ok()?;
            encoder.finish().ok()
        }
        Coding::Brotli => {
            let mut out = Vec::with_capacity(body.len() / 3);
            let params = brotli::enc::BrotliEncoderParams { quality: 2, lgwin: 20, ..Default::default() };
            brotli::BrotliCompress(&mut &body[..], &mut out, &params).ok()?;
            Some(out)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::coding::{Decoder, Output};
    use super::*;

    #[test]
    fn the_client_chooses_and_we_break_ties() {
        for (header, expected) in [
            ("gzip, deflate, br, zstd", Some(Coding::Zstd)),
            ("gzip, deflate, br", Some(Coding::Brotli)),
            ("gzip, deflate", Some(Coding::Gzip)),
            ("GZIP", Some(Coding::Gzip)),
            ("x-gzip", Some(Coding::Gzip)),
            ("zstd;q=0.1, gzip;q=0.9", Some(Coding::Gzip)),
            ("br;q=0, *", Some(Coding::Zstd)),
            ("zstd;q=0, *;q=0.5", Some(Coding::Brotli)),
            ("identity", None),
            ("", None),
            ("gzip;q=0", None),
            ("gzip;q=nonsense", None),
            ("deflate", None),
        ] {
            assert_eq!(preferred(header), expected, "{header}");
        }
    }

    #[test]
    fn every_coding_comes_back_as_it_was() {
        let body = "a reply that repeats itself, ".repeat(100);
        for name in ["gzip", "br", "zstd"] {
            let compressed = compress(body.as_bytes(), name).unwrap();
            assert_eq!(compressed.coding.name(), name);
            assert!(compressed.bytes.len() < body.len() / 5);
            let mut out = Output::new(1 << 20);
            let mut decoder = Decoder::new(&[compressed.coding], 1 << 20).unwrap();
            decoder.push(&compressed.bytes, &mut out).unwrap();
            decoder.finish(&mut out).unwrap();
            assert_eq!(out.bytes, body.as_bytes());
        }
    }

    #[test]
    fn small_or_dense_replies_go_as_they_are() {
        assert!(compress(&[b'a'; 1023], "gzip").is_none());
        let mut state = 1_u64;
        let noise: Vec<u8> = std::iter::repeat_with(|| {
            state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            state.to_be_bytes()[0]
        })
        .take(2000)
        .collect();
        assert!(compress(&noise, "zstd").is_none());
    }
}
