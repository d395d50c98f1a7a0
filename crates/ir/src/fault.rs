use std::error::Error;
use std::fmt;
use std::time::Duration;

/// Everything that can go wrong with a call: whose fault it is, whether another try may help, what the client is
/// told, and what only the log is told.
#[derive(Debug)]
pub struct Fault {
    /// What went wrong.
    pub kind: FaultKind,
    /// Whether and where another try may help.
    pub retry: Retry,
    /// HTTP status for the client. Provider faults keep the provider's.
    pub status: u16,
    /// For the client: what is wrong and what to do. No secrets, no addresses of the operator's network.
    pub public: String,
    /// The field at fault, as a path in the client's body.
    pub param: Option<String>,
    /// For the log only.
    pub detail: Option<String>,
    /// The provider's error type and code, kept for clients that branch on them.
    pub provider_type: Option<String>,
    /// See `provider_type`.
    pub provider_code: Option<String>,
    /// Rate-limit and retry headers to hand on, as the provider spelled them.
    pub headers: Vec<LimitHeader>,
    /// The cause.
    pub source: Option<Box<dyn Error + Send + Sync>>,
}

/// A header about limits, handed on to the client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LimitHeader {
    /// Lower case.
    pub name: String,
    /// As it came.
    pub value: String,
}

/// Whose fault it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// The client's request.
    Client,
    /// The provider, or the way to it.
    Provider,
    /// Tollgate, or its configuration.
    Gateway,
}

/// Whether another try may help.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Retry {
    /// No target would answer otherwise.
    No,
    /// The same target may answer now.
    SameTarget,
    /// Another target may answer.
    NextTarget,
    /// This target may answer after a while, another at once.
    After(Duration),
}

macro_rules! kinds {
    ($($name:ident = $number:literal, $side:ident, $status:literal, $retry:ident, $slug:literal, $title:literal;)*) => {
        /// What went wrong: one number `TG####`, one page in docs/errors, one rendering per dialect.
        ///
        /// TG1xxx request, TG2xxx identity and limits, TG3xxx routing and configuration, TG4xxx provider, TG5xxx gateway,
        /// TG9xxx start.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum FaultKind {
            $(#[doc = $title] $name,)*
        }

        impl FaultKind {
            /// All kinds, by number.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// The number after `TG`.
            pub const fn number(self) -> u16 {
                match self { $(Self::$name => $number,)* }
            }

            /// Whose fault it is.
            pub const fn side(self) -> Side {
                match self { $(Self::$name => Side::$side,)* }
            }

            /// The usual HTTP status.
            pub const fn status(self) -> u16 {
                match self { $(Self::$name => $status,)* }
            }

            /// Whether another try may help, usually.
            pub const fn retry(self) -> Retry {
                match self { $(Self::$name => Retry::$retry,)* }
            }

            /// The word in logs and metrics.
            pub const fn slug(self) -> &'static str {
                match self { $(Self::$name => $slug,)* }
            }

            /// One line for people.
            pub const fn title(self) -> &'static str {
                match self { $(Self::$name => $title,)* }
            }
        }
    };
}

kinds! {
    InvalidBody = 1001, Client, 400, No, "invalid_body", "The request's body cannot be read.";
    InvalidField = 1002, Client, 400, No, "invalid_field", "A field of the request has a wrong type or value.";
    BodyTooLarge = 1003, Client, 413, No, "body_too_large", "The request's body is over the limit.";
    UnsupportedEncoding = 1004, Client, 415, No, "unsupported_encoding", "The request's content encoding or type is not known.";
    NoSuchPath = 1005, Client, 404, No, "no_such_path", "No endpoint has this path.";
    MethodNotAllowed = 1006, Client, 405, No, "method_not_allowed", "The endpoint does not take this method.";
    UnsupportedContent = 1007, Client, 400, No, "unsupported_content", "The model cannot take a block of the request.";
    FieldWouldBeDropped = 1008, Client, 400, No, "field_would_be_dropped", "A strict request has a field that the target cannot take.";
    ForbiddenOverride = 1009, Client, 400, No, "forbidden_override", "A request may not name an upstream's address or credential.";
    PreviousResponseNotFound = 1010, Client, 400, No, "previous_response_not_found", "The response to continue from is not known here.";
    MediaNotFetched = 1011, Client, 400, No, "media_not_fetched", "A media address could not be fetched.";
    ClientTimeout = 1012, Client, 408, No, "client_timeout", "The client was too slow in sending its request.";
    DeadlineExceeded = 1013, Client, 504, No, "deadline_exceeded", "The time that the client allowed is over.";
    NoCredential = 2001, Client, 401, No, "no_credential", "The request carries no gateway key.";
    BadCredential = 2002, Client, 401, No, "bad_credential", "The gateway key is not known, or two differ.";
    ModelNotAllowed = 2003, Client, 403, No, "model_not_allowed", "The key may not use this model.";
    ForbiddenOrigin = 2004, Client, 403, No, "forbidden_origin", "The request's host or origin is not allowed.";
    AdminKeyRequired = 2005, Client, 401, No, "admin_key_required", "This endpoint needs the admin key.";
    NoSuchModel = 3001, Client, 404, No, "no_such_model", "No configured provider or virtual model has this name.";
    NoTarget = 3002, Gateway, 503, No, "no_target", "No target of the model can serve the call.";
    ProviderMisconfigured = 3003, Gateway, 503, NextTarget, "provider_misconfigured", "A provider's configuration is not complete.";
    LoopDetected = 3004, Gateway, 508, No, "loop_detected", "The upstream is this gateway itself.";
    NotServedHere = 3005, Client, 501, No, "not_served_here", "The operation is not served for this provider.";
    ProviderBadRequest = 4001, Client, 400, No, "provider_bad_request", "The provider refused the request.";
    ProviderAuth = 4002, Gateway, 401, NextTarget, "provider_auth", "The provider refused the operator's credential.";
    ProviderNotFound = 4003, Client, 404, No, "provider_not_found", "The provider does not have the model or object.";
    ProviderRateLimited = 4004, Provider, 429, NextTarget, "provider_rate_limited", "The provider limits the rate.";
    ProviderQuota = 4005, Provider, 429, NextTarget, "provider_quota", "The provider's quota or credit is used up.";
    ProviderOverloaded = 4006, Provider, 503, NextTarget, "provider_overloaded", "The provider is overloaded.";
    ProviderFailed = 4007, Provider, 500, NextTarget, "provider_failed", "The provider failed.";
    ProviderTimeout = 4008, Provider, 504, NextTarget, "provider_timeout", "The provider did not answer in time.";
    ProviderUnreachable = 4009, Provider, 502, NextTarget, "provider_unreachable", "The provider cannot be reached.";
    ProviderGarbage = 4010, Provider, 502, NextTarget, "provider_garbage", "The provider's answer cannot be read.";
    ProviderCut = 4011, Provider, 502, NextTarget, "provider_cut", "The provider's answer ended too early.";
    ContentPolicy = 4012, Client, 400, No, "content_policy", "The provider's content policy refused the request.";
    ContextLength = 4013, Client, 400, No, "context_length", "The prompt is longer than the model's context window.";
    StreamTooWide = 4014, Provider, 502, NextTarget, "stream_too_wide", "The provider interleaves more than can be held back.";
    ProviderEmpty = 4015, Provider, 502, NextTarget, "provider_empty", "The provider answered without any content.";
    AnswerDiverged = 4016, Provider, 502, NextTarget, "answer_diverged", "An answer that was to go on says something else than what was sent already.";
    Internal = 5001, Gateway, 500, No, "internal", "Tollgate failed.";
    ShuttingDown = 5002, Gateway, 503, NextTarget, "shutting_down", "Tollgate is shutting down.";
    BodiesExhausted = 5003, Gateway, 503, NextTarget, "bodies_exhausted", "The memory for bodies in flight is used up.";
    TargetBusy = 5004, Gateway, 503, NextTarget, "target_busy", "As many calls as allowed are at the provider already.";
    GatewayBusy = 5005, Gateway, 503, NextTarget, "gateway_busy", "Tollgate has more to do than it can.";
    ConfigInvalid = 9001, Gateway, 500, No, "config_invalid", "The configuration is not valid.";
    UnsafeBind = 9002, Gateway, 500, No, "unsafe_bind", "An address off loopback needs keys or an admin key.";
    ListenFailed = 9003, Gateway, 500, No, "listen_failed", "The listener could not be opened.";
}

impl FaultKind {
    /// `TG4004`, as sent in `x-tollgate-fault` and named in docs/errors.
    pub fn code(self) -> String {
        format!("TG{:04}", self.number())
    }
}

impl Fault {
    /// A fault of a kind, with its usual status and retry, and what the client is told.
    pub fn new(kind: FaultKind, public: impl Into<String>) -> Self {
        Self {
            kind,
            retry: kind.retry(),
            status: kind.status(),
            public: public.into(),
            param: None,
            detail: None,
            provider_type: None,
            provider_code: None,
            headers: Vec::new(),
            source: None,
        }
    }

    /// A field of the client's body is wrong: its path and what to send instead.
    pub fn field(path: impl Into<String>, public: impl Into<String>) -> Self {
        let mut fault = Self::new(FaultKind::InvalidField, public);
        fault.param = Some(path.into());
        fault
    }

    /// Adds what only the log may know.
    #[must_use]
    pub fn detail(mut self, detail: impl Into<String>) -> Self {
        self.detail = Some(detail.into());
        self
    }

    /// Adds the cause.
    #[must_use]
    pub fn source(mut self, source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// Sets the status.
    #[must_use]
    pub fn status(mut self, status: u16) -> Self {
        self.status = status;
        self
    }

    /// See [`FaultKind::code`].
    pub fn code(&self) -> String {
        self.kind.code()
    }
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}: {}", self.code(), self.kind.slug(), self.public)?;
        if let Some(detail) = &self.detail {
            write!(f, " ({detail})")?;
        }
        Ok(())
    }
}

impl Error for Fault {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.source.as_deref().map(|e| e as _)
    }
}

/// Faults in streams are compared by what the client sees.
impl PartialEq for Fault {
    fn eq(&self, other: &Self) -> bool {
        self.kind == other.kind && self.status == other.status && self.public == other.public
    }
}

impl Clone for Fault {
    /// Without the cause, which cannot be cloned; its words are kept in `detail`.
    fn clone(&self) -> Self {
        Self {
            kind: self.kind,
            retry: self.retry,
            status: self.status,
            public: self.public.clone(),
            param: self.param.clone(),
            detail: self.detail.clone().or_else(|| self.source.as_ref().map(ToString::to_string)),
            provider_type: self.provider_type.clone(),
            provider_code: self.provider_code.clone(),
            headers: self.headers.clone(),
            source: None,
        }
    }
}
