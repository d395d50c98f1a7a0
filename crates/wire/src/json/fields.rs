use std::borrow::Cow;

use tollgate_ir::{Fault, Losses, Reason};

use super::{Node, Object};

/// An object of the client's body while it is read: each field is taken once, and what nobody took is reported.
///
/// `null` reads as absent, since SDKs send it so. A wrong type is the client's fault, with the field's path.
pub struct Fields<'a> {
    left: Vec<(Cow<'a, str>, Node<'a>)>,
    at: String,
    /// A bit for each length (up to 64) of the keys: most fields that are asked for are absent, and known to be by that.
    lengths: u64,
}

impl<'a> Fields<'a> {
    /// The fields of the object at path `at` (`""` for the body itself).
    pub fn new(node: Node<'a>, at: impl Into<String>) -> Result<Self, Fault> {
        let at = at.into();
        match node {
            Node::Object(Object(left)) => {
                let lengths = left.iter().fold(0, |lengths, (key, _)| lengths | length(key));
                Ok(Self { left, at, lengths })
            }
            other => Err(wrong(&at, "an object", &other)),
        }
    }

    /// Where the object stands.
    pub fn at(&self) -> &str {
        &self.at
    }

    /// The path of one of its fields.
    pub fn path(&self, key: &str) -> String {
        self.longer(key, 0)
    }

    /// The path of an item of one of its fields.
    pub fn item(&self, key: &str, i: usize) -> String {
        let mut path = self.longer(key, "[000]".len());
        path.push('[');
        match u32::try_from(i).ok().and_then(|i| char::from_digit(i, 10)) {
            Some(digit) => path.push(digit),
            None => path.push_str(&i.to_string()),
        }
        path.push(']');
        path
    }

    fn longer(&self, key: &str, room: usize) -> String {
        let mut path = String::with_capacity(self.at.len() + 1 + key.len() + room);
        if !self.at.is_empty() {
            path.push_str(&self.at);
            path.push('.');
        }
        path.push_str(key);
        path
    }

    /// Takes a field of any type; `null` reads as absent.
    #[inline]
    pub fn take(&mut self, key: &str) -> Option<Node<'a>> {
        if self.lengths & length(key) == 0 { None } else { self.take_of_length(key) }
    }

    fn take_of_length(&mut self, key: &str) -> Option<Node<'a>> {
        let (mut found, mut from) = (None, 0);
        while let Some(i) = self.left[from..].iter().position(|(k, _)| k == key) {
            from += i;
            found = Some(self.left.remove(from).1);
        }
        found.filter(|node| !matches!(node, Node::Null))
    }

    /// Takes the first present of several spellings of one field (`max_tokens` before `maxTokens`).
    pub fn take_any(&mut self, keys: &[&str]) -> Option<Node<'a>> {
        keys.iter().fold(None, |found, key| {
            let this = self.take(key);
            found.or(this)
        })
    }

    /// Whether a field is still there and not null.
    #[inline]
    pub fn has(&self, key: &str) -> bool {
        self.lengths & length(key) != 0 && self.has_one(|k| k == key)
    }

    /// Whether a field whose key is one of those is still there and not null.
    pub fn has_one(&self, is: impl Fn(&str) -> bool) -> bool {
        self.left.iter().any(|(key, value)| is(key) && !matches!(value, Node::Null))
    }

    /// Looks at a text without taking it: for tags that decide how to read the rest.
    pub fn peek_text(&self, key: &str) -> Option<&str> {
        self.left.iter().rev().find(|(k, _)| k == key)?.1.as_str()
    }

    /// Takes a text.
    pub fn text(&mut self, key: &str) -> Result<Option<String>, Fault> {
        Ok(self.word(key)?.map(Cow::into_owned))
    }

    /// Takes a text that is looked at and not kept.
    pub fn word(&mut self, key: &str) -> Result<Option<Cow<'a, str>>, Fault> {
        match self.take(key) {
            None => Ok(None),
            Some(Node::Text(text)) => Ok(Some(text)),
            Some(other) => Err(wrong(&self.path(key), "a string", &other)),
        }
    }

    /// Takes a text that must be there.
    pub fn required_text(&mut self, key: &str) -> Result<String, Fault> {
        self.text(key)?.ok_or_else(|| self.missing(key))
    }

    /// Takes a text that must be there, and is looked at and not kept.
    pub fn required_word(&mut self, key: &str) -> Result<Cow<'a, str>, Fault> {
        self.word(key)?.ok_or_else(|| self.missing(key))
    }

    /// Takes a whole number that is not negative.
    pub fn uint(&mut self, key: &str) -> Result<Option<u64>, Fault> {
        self.number(key, "a whole number, 0 or more", |n| n.as_u64())
    }

    /// Takes a whole number.
    pub fn int(&mut self, key: &str) -> Result<Option<i64>, Fault> {
        self.number(key, "a whole number", |n| n.as_i64())
    }

    /// Takes a number.
    pub fn float(&mut self, key: &str) -> Result<Option<f64>, Fault> {
        self.number(key, "a number", |n| n.as_f64())
    }

    /// Takes a truth value.
    pub fn boolean(&mut self, key: &str) -> Result<Option<bool>, Fault> {
        self.number(key, "true or false", |n| n.as_bool())
    }

    /// Takes an array.
    pub fn array(&mut self, key: &str) -> Result<Option<Vec<Node<'a>>>, Fault> {
        match self.take(key) {
            None => Ok(None),
            Some(Node::Array(items)) => Ok(Some(items)),
            Some(other) => Err(wrong(&self.path(key), "an array", &other)),
        }
    }

    /// Takes an object.
    pub fn object(&mut self, key: &str) -> Result<Option<Fields<'a>>, Fault> {
        self.take(key).map(|node| Fields::new(node, self.path(key))).transpose()
    }

    /// The fault of a field that must be there.
    pub fn missing(&self, key: &str) -> Fault {
        let path = self.path(key);
        Fault::field(path.clone(), format!("Missing required field: `{path}`."))
    }

    /// Takes fields that mean nothing to anybody beyond this face and are no loss.
    pub fn ignore(&mut self, keys: &[&str]) {
        self.left.retain(|(k, _)| !keys.contains(&k.as_ref()));
    }

    /// Takes fields that mean nothing to another dialect's provider: a loss once one is asked.
    pub fn own(&mut self, keys: &[&str], losses: &mut Losses) {
        for key in keys {
            if let Some(value) = self.take(key)
                && !says_nothing(&value)
            {
                losses.own(self.path(key), Reason::Dropped);
            }
        }
    }

    /// The same for every field that nobody took.
    pub fn own_rest(self, losses: &mut Losses) {
        for (key, _) in self.left.iter().filter(|(_, value)| !says_nothing(value)) {
            losses.own(self.path(key), Reason::Dropped);
        }
    }

    /// Reports every field that nobody took. `null` and empty containers say nothing, so they are no loss.
    pub fn report_rest(self, losses: &mut Losses) {
        for (key, value) in &self.left {
            if !says_nothing(value) {
                losses.path(self.path(key), Reason::Dropped);
            }
        }
    }

    /// What nobody took, for blocks that carry their own dialect's fields along.
    pub fn rest(self) -> Object<'a> {
        Object(self.left)
    }

    fn number<T>(
        &mut self,
        key: &str,
        wanted: &str,
        read: impl FnOnce(&Node<'a>) -> Option<T>,
    ) -> Result<Option<T>, Fault> {
        match self.take(key) {
            None => Ok(None),
            Some(node) => match read(&node) {
                Some(value) => Ok(Some(value)),
                None => Err(wrong(&self.path(key), wanted, &node)),
            },
        }
    }
}

/// The bit of a key's length.
const fn length(key: &str) -> u64 {
    1 << (key.len() % 64)
}

const fn says_nothing(value: &Node<'_>) -> bool {
    match value {
        Node::Null => true,
        Node::Array(items) => items.is_empty(),
        Node::Object(object) => object.0.is_empty(),
        Node::Unread(text) => text.len() == "{}".len(),
        _ => false,
    }
}

/// The fault of a field of the wrong type.
pub(crate) fn wrong(path: &str, wanted: &str, got: &Node<'_>) -> Fault {
    let place = if path.is_empty() { "The request's body".to_owned() } else { format!("`{path}`") };
    Fault::field(path, format!("{place} must be {wanted}, but is {}.", got.kind()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(text: &str) -> Fields<'_> {
        Fields::new(Node::parse(text.as_bytes()).unwrap(), "body").unwrap()
    }

    #[test]
    fn untaken_fields_are_reported_and_empty_ones_are_not() {
        let mut f = fields(r#"{"a":1,"b":null,"c":[],"d":{"x":1},"e":false}"#);
        assert_eq!(f.uint("a").unwrap(), Some(1));
        let mut losses = Losses::new(|_| "");
        f.report_rest(&mut losses);
        let paths: Vec<_> = losses.all().iter().map(|l| l.path.as_str()).collect();
        assert_eq!(paths, ["body.d", "body.e"]);
    }

    #[test]
    fn wrong_types_name_the_path() {
        let fault = fields(r#"{"temperature":"hot"}"#).float("temperature").unwrap_err();
        assert_eq!(fault.param.as_deref(), Some("body.temperature"));
        assert_eq!(fault.public, "`body.temperature` must be a number, but is a string.");
    }

    #[test]
    fn the_last_of_a_doubled_key_counts() {
        let mut f = fields(r#"{"a":"x","a":"y"}"#);
        assert_eq!(f.text("a").unwrap().as_deref(), Some("y"));
        assert!(f.take("a").is_none());
    }

    #[test]
    fn keys_of_every_length_are_found_and_no_others() {
        let keys: Vec<String> = (0..200).map(|length| "k".repeat(length)).collect();
        let text = format!("{{{}}}", keys.iter().map(|key| format!("\"{key}\":1")).collect::<Vec<_>>().join(","));
        for (length, key) in keys.iter().enumerate() {
            assert_eq!(fields(&text).uint(key).unwrap(), Some(1), "{length}");
            let one = format!("{{\"{key}\":1}}");
            let found = keys.iter().filter(|other| fields(&one).take(other).is_some()).count();
            assert_eq!(found, 1, "{length}");
        }
    }

    #[test]
    fn paths_of_fields_and_items() {
        let f = fields("{}");
        assert_eq!(
            (f.path("a"), f.item("a", 9), f.item("a", 10)),
            ("body.a".into(), "body.a[9]".into(), "body.a[10]".into())
        );
        let f = Fields::new(Node::Object(Object::default()), "").unwrap();
        assert_eq!((f.path("a"), f.item("a", 123)), ("a".into(), "a[123]".into()));
    }
}
