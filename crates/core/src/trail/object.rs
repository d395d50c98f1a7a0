//! JSON objects of a record's fixed shape. Every call writes one, so that keys and words of ours, which need no escapes, are
//! copied as they are; serde writes the numbers and whatever somebody else wrote.

use std::time::Duration;

use serde::Serialize;

/// The inside of an object being written.
pub(super) struct Object<'a> {
    out: &'a mut Vec<u8>,
}

impl<'a> Object<'a> {
    /// Writes an object.
    pub(super) fn write(out: &'a mut Vec<u8>, fill: impl FnOnce(&mut Self)) {
        out.push(b'{');
        let mut object = Self { out };
        fill(&mut object);
        object.close(b'}');
    }

    /// The last member is followed by what closes and not by the next one.
    fn close(&mut self, with: u8) {
        if self.out.last() == Some(&b',') {
            self.out.pop();
        }
        self.out.push(with);
    }

    #[inline]
    fn key(&mut self, key: &'static str) {
        self.out.push(b'"');
        self.out.extend_from_slice(key.as_bytes());
        self.out.extend_from_slice(b"\":");
    }

    /// A word of ours.
    pub(super) fn word(&mut self, key: &'static str, word: &'static str) {
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(word.as_bytes());
        self.out.extend_from_slice(b"\",");
    }

    /// What somebody else wrote.
    pub(super) fn text(&mut self, key: &'static str, text: &str) {
        // Most names are plain, and looked at faster all together than one after the other.
        if text.bytes().fold(false, |odd, byte| odd | matches!(byte, ..b' ' | b'"' | b'\\')) {
            return self.value(key, &text);
        }
        self.key(key);
        self.out.push(b'"');
        self.out.extend_from_slice(text.as_bytes());
        self.out.extend_from_slice(b"\",");
    }

    /// Such a text, if there is one.
    pub(super) fn opt_text(&mut self, key: &'static str, text: Option<&str>) {
        if let Some(text) = text {
            self.text(key, text);
        }
    }

    /// A number, or whatever else serde writes.
    pub(super) fn value(&mut self, key: &'static str, value: &impl Serialize) {
        self.key(key);
        // Nothing in it can fail to serialise: strings, numbers, no maps with odd keys.
        let _ = serde_json::to_writer(&mut *self.out, value);
        self.out.push(b',');
    }

    /// Such a value, if there is one.
    pub(super) fn opt(&mut self, key: &'static str, value: Option<impl Serialize>) {
        if let Some(value) = value {
            self.value(key, &value);
        }
    }

    /// Milliseconds with a fraction. Whole microseconds: finer is noise, and shorter to read.
    pub(super) fn millis(&mut self, key: &'static str, duration: Duration) {
        let micros = u64::try_from(duration.as_micros()).unwrap_or(u64::MAX);
        self.value(key, &(micros / 1000));
        self.out.pop();
        let [tenths, hundredths, thousandths] =
            [100, 10, 1].map(|unit| b'0' + u8::try_from(micros % 1000 / unit % 10).unwrap_or_default());
        let fraction = [b'.', tenths, hundredths, thousandths];
        let written = match (hundredths, thousandths) {
            (b'0', b'0') => 2,
            (_, b'0') => 3,
            _ => 4,
        };
        self.out.extend_from_slice(&fraction[..written]);
        self.out.push(b',');
    }

    /// An object inside.
    pub(super) fn object(&mut self, key: &'static str, fill: impl FnOnce(&mut Object<'_>)) {
        self.key(key);
        Object::write(self.out, fill);
        self.out.push(b',');
    }

    /// Objects, one for each.
    pub(super) fn objects<T>(
        &mut self,
        key: &'static str,
        all: impl Iterator<Item = T>,
        fill: impl Fn(&mut Object<'_>, T),
    ) {
        self.key(key);
        self.out.push(b'[');
        for one in all {
            Object::write(self.out, |object| fill(object, one));
            self.out.push(b',');
        }
        self.close(b']');
        self.out.push(b',');
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(serde::Deserialize)]
    struct Read {
        odd: String,
        comma: String,
    }

    fn written(fill: impl FnOnce(&mut Object<'_>)) -> String {
        let mut out = Vec::new();
        Object::write(&mut out, fill);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn whatever_is_in_it_it_is_json() {
        assert_eq!(written(|_| {}), "{}");
        assert_eq!(written(|o| o.objects("none", std::iter::empty::<()>(), |_, ()| {})), r#"{"none":[]}"#);
        let odd = "a \"quote\" \\ \n\u{1}é,";
        let all = written(|o| {
            o.text("odd", odd);
            o.text("comma", "a,");
            o.objects("list", [1, 2].into_iter(), |o, n| o.value("n", &n));
            o.object("inside", |o| o.word("word", "x"));
        });
        let read: Read = serde_json::from_str(&all).unwrap();
        assert_eq!((&*read.odd, &*read.comma), (odd, "a,"));
        assert!(all.ends_with(r#""list":[{"n":1},{"n":2}],"inside":{"word":"x"}}"#), "{all}");
    }

    #[test]
    fn milliseconds_are_as_a_float_is_written() {
        for (micros, text) in [
            (0, "0.0"),
            (1, "0.001"),
            (20, "0.02"),
            (300, "0.3"),
            (1_000, "1.0"),
            (1_234_567, "1234.567"),
            (2_500_010, "2500.01"),
            (60_000_000, "60000.0"),
        ] {
            assert_eq!(written(|o| o.millis("t", Duration::from_micros(micros))), format!("{{\"t\":{text}}}"));
        }
    }
}
