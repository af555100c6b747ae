//! The envelope around every question and answer, and the vendor's error codes in words.

use serde_json::{Value, json};

use crate::outlets::trouble::{Kind, LinkError, Whereabouts};

/// One question.
pub(in crate::outlets) type Question = (&'static str, Value);

/// As it is sent.
pub(super) fn question((method, params): &Question) -> Value {
    match params {
        Value::Null => json!({"method": method}),
        params => json!({"method": method, "params": params}),
    }
}

/// Several questions as one.
pub(super) fn batch(questions: &[Question]) -> Value {
    let requests: Vec<_> = questions.iter().map(question).collect();
    json!({"method": "multipleRequest", "params": {"requests": requests}})
}

/// A question to an outlet of a strip.
pub(super) fn to_child(child: &str, request: &Value) -> Value {
    json!({"method": "control_child", "params": {"device_id": child, "requestData": request}})
}

/// What is in the envelope: the result, or the vendor's error.
///
/// # Errors
/// The device said no, or did not say whether.
pub(super) fn opened(place: &Whereabouts, mut answer: Value) -> Result<Value, LinkError> {
    let code = answer.get("error_code").and_then(Value::as_i64);
    match code {
        Some(0) => Ok(answer.get_mut("result").map(Value::take).unwrap_or_default()),
        // Its session timeout, told within a session that it still knows.
        Some(9999) => Err(place.error(Kind::Session, "")),
        Some(code) => Err(place.error(Kind::Device, &worded(code))),
        None => Err(place.error(Kind::Garbled, "an answer without an error code")),
    }
}

/// What an outlet of a strip answered.
///
/// # Errors
/// As [`opened`].
pub(super) fn from_child(place: &Whereabouts, mut result: Value) -> Result<Value, LinkError> {
    let inner = result.get_mut("responseData").map(Value::take);
    opened(place, inner.ok_or_else(|| place.error(Kind::Garbled, "no answer of the outlet in the strip's"))?)
}

/// The answers to several questions, in their order. The device stops at the first that fails, so that there can be fewer.
///
/// # Errors
/// There are none.
pub(super) fn from_batch(
    place: &Whereabouts,
    mut result: Value,
    questions: &[Question],
) -> Result<Vec<Result<Value, LinkError>>, LinkError> {
    let answers = result.get_mut("responses").and_then(Value::as_array_mut);
    let answers = answers.ok_or_else(|| place.error(Kind::Garbled, "no answers in an answer to several questions"))?;
    // An answer to another question than was asked would be taken for a timer that is not there.
    let same = answers.iter().zip(questions).all(|(it, (asked, _))| it.get("method").is_none_or(|it| it == asked));
    if !same || answers.len() > questions.len() {
        return Err(place.error(Kind::Garbled, "the answers are not those to the questions"));
    }
    Ok(answers.iter_mut().map(|it| opened(place, it.take())).collect())
}

/// Did the device refuse the batch as such, so that its questions may be asked one by one?
pub(super) fn is_no_to_batches(error: &LinkError) -> bool {
    error.kind == Kind::Device
}

fn worded(code: i64) -> String {
    let words = match code {
        -1001 => "something went wrong",
        -1002 => "it does not know the question",
        -1003 => "it cannot read the question",
        -1004 => "it cannot write the answer",
        -1008 => "it does not accept the question's details",
        -1501 => "the login has failed",
        -1802 => "there is a timer already",
        -1803 => "there is another timer at that time",
        -1903..=-1901 => "it does not accept the timer",
        _ => return format!("error {code}"),
    };
    format!("error {code}: {words}")
}
