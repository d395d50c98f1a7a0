//! Errors: `{"message": …}` with the error's type in the header `x-amzn-errortype`, and exceptions within streams.

use tollgate_ir::{Fault, FaultKind, Retry};

use crate::fault::{Words, classify};
use crate::frame::aws::aws_exception;
use crate::json::object;

/// An error of Converse: its type in the header, the exception that says it within a stream, its status.
struct Kind {
    name: &'static str,
    exception: &'static str,
    status: u16,
}

/// From the service's model (bedrock-runtime 2023-09-30). Streams know fewer exceptions than responses know types. The
/// first of a status is the one that we say.
const KINDS: &[Kind] = &[
    Kind { name: "ValidationException", exception: "validationException", status: 400 },
    Kind { name: "ServiceQuotaExceededException", exception: "throttlingException", status: 400 },
    Kind { name: "AccessDeniedException", exception: "validationException", status: 403 },
    Kind { name: "UnrecognizedClientException", exception: "validationException", status: 403 },
    Kind { name: "ExpiredTokenException", exception: "validationException", status: 403 },
    Kind { name: "InvalidSignatureException", exception: "validationException", status: 403 },
    Kind { name: "ResourceNotFoundException", exception: "validationException", status: 404 },
    Kind { name: "ModelTimeoutException", exception: "modelStreamErrorException", status: 408 },
    Kind { name: "ModelErrorException", exception: "modelStreamErrorException", status: 424 },
    Kind { name: "ModelStreamErrorException", exception: "modelStreamErrorException", status: 424 },
    Kind { name: "ThrottlingException", exception: "throttlingException", status: 429 },
    Kind { name: "ModelNotReadyException", exception: "serviceUnavailableException", status: 429 },
    Kind { name: "InternalServerException", exception: "internalServerException", status: 500 },
    Kind { name: "ServiceUnavailableException", exception: "serviceUnavailableException", status: 503 },
];

fn by_name(name: &str) -> Option<&'static Kind> {
    KINDS.iter().find(|kind| kind.name.eq_ignore_ascii_case(name))
}

/// The provider's own type if it is one of Bedrock's, else what the status means.
fn kind_of(fault: &Fault) -> &'static Kind {
    let status = match fault.status {
        401 => 403,
        402 => 429,
        504 => 408,
        529 => 503,
        status => status,
    };
    let own = fault.provider_type.as_deref().and_then(by_name).filter(|kind| kind.status == status);
    let usual = own.or_else(|| KINDS.iter().find(|kind| kind.status == status));
    usual.unwrap_or(if status < 500 { &KINDS[0] } else { &INTERNAL })
}

const INTERNAL: Kind = Kind { name: "InternalServerException", exception: "internalServerException", status: 500 };

/// The value of the header `x-amzn-errortype`, by which AWS's SDKs choose the exception that they raise.
pub fn error_type(fault: &Fault) -> &'static str {
    kind_of(fault).name
}

/// See [`crate::codec::decode_fault`].
pub fn decode_fault(status: u16, headers: &[(&str, &str)], body: &[u8]) -> Fault {
    let words = Words::read(body);
    let header = headers.iter().find(|(name, _)| *name == "x-amzn-errortype").map(|(_, value)| *value);
    let kind = header.map(str::to_owned).or(words.kind).or(words.code);
    // `ValidationException:http://internal…` in the header, `com.amazon.coral#ValidationException` in the body.
    let kind = kind.as_deref().map(|kind| kind.split(':').next().unwrap_or(kind));
    let kind = kind.map(|kind| kind.rsplit('#').next().unwrap_or(kind)).filter(|kind| !kind.is_empty());
    let status = match kind.and_then(by_name) {
        Some(kind) if status < 400 => kind.status,
        _ => status,
    };
    of_type(classify(status, kind, None, &words.message, headers))
}

/// A model that failed is no fault of the request, though 424 is in the client's range.
fn of_type(mut fault: Fault) -> Fault {
    if fault.status == 424 && fault.kind == FaultKind::ProviderBadRequest {
        fault.kind = FaultKind::ProviderFailed;
        fault.retry = Retry::NextTarget;
    }
    fault
}

/// The fault that an exception within a stream reports.
pub(super) fn decode_exception(name: &str, payload: &[u8]) -> Fault {
    let words = Words::read(payload);
    let message = if words.message.is_empty() { name } else { &words.message };
    let status = by_name(name).map_or(0, |kind| kind.status);
    of_type(classify(status, Some(name), None, message, &[]))
}

/// See [`crate::codec::encode_fault`]. The request id is in a header of its own.
pub fn encode_fault(fault: &Fault, _request_id: &str) -> Vec<u8> {
    let mut out = Vec::new();
    object(&mut out, |o| o.text("message", &fault.public));
    out
}

/// See [`crate::codec::fault_frame`].
pub fn fault_frame(fault: &Fault) -> Vec<u8> {
    let mut out = Vec::new();
    aws_exception(&mut out, kind_of(fault).exception, &encode_fault(fault, ""));
    out
}
