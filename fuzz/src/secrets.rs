//! Sealed messages and hashes of passwords.

use super::dice::Dice;
use super::forms::{build, bytes, text};
use offloop::cancel::Cancel;
use offloop::error::{Error, Kind};
use offloop::transform::{Transform, Value, fields};

/// Opens the input, which was never sealed, then seals it, opens it, and opens it again after a bit flip.
pub fn open(input: &[u8]) {
    let mut dice = Dice::of(input);
    let cipher = ["aes-256-gcm", "chacha20-poly1305"][dice.below(2)];
    let args = [text(cipher), bytes(&[7; 32])];
    let (seal, open) = (build("seal", &args), build("open", &args));
    let aad = Some(&input[..input.len() / 4]);
    let opened = |data: &[u8]| of_fields(&*open, &[Some(data), aad]);
    assert!(opened(input).is_err(), "opened a message that was never sealed");
    assert!(
        open.run(Value::Fields(input.to_vec().into()), &Cancel::new()).is_err(),
        "opened fields that were never packed"
    );
    let mut sealed = of_fields(&*seal, &[Some(input), aad, None]).expect("any message can be sealed");
    assert!(opened(&sealed).is_ok_and(|opened| opened == input), "opens to a different message");
    let index = dice.below(sealed.len());
    sealed[index] ^= 1 << dice.below(8);
    assert!(opened(&sealed).is_err(), "the change at {index} went unnoticed");
}

fn of_fields(transform: &dyn Transform, fields: &[Option<&[u8]>]) -> Result<Vec<u8>, Error> {
    let value = transform.run(Value::Fields(fields::pack(fields).into()), &Cancel::new())?;
    Ok(value.into_bytes()?.into_vec())
}

/// Largest costs that are fast enough to try.
const COSTS: [(&str, u32); 5] = [("m", 64), ("t", 3), ("p", 4), ("ln", 6), ("r", 8)];

/// The input is the hash. Verifies against it only if its stated costs are low.
pub fn verify_password(input: &[u8]) {
    let Ok(hash) = std::str::from_utf8(input) else { return };
    let cancel = Cancel::new();
    if !is_cheap(hash) {
        // The hash is checked first.
        cancel.cancel();
    }
    let packed = fields::pack(&[Some(b"password"), Some(hash.as_bytes())]);
    match build("verifyPassword", &[]).run(Value::Fields(packed.into()), &cancel) {
        Ok(verdict) => assert!(matches!(verdict.into_bytes().as_deref(), Ok(b"false" | b"true"))),
        Err(error) => assert!(
            matches!(error.kind, Kind::InvalidValue | Kind::OutOfRange)
                || error.kind == Kind::Cancelled && !is_cheap(hash),
            "{error}"
        ),
    }
}

fn is_cheap(hash: &str) -> bool {
    let mut parts = hash.split('$').skip(1);
    let (algorithm, next) = (parts.next().unwrap_or_default(), parts.next().unwrap_or_default());
    if algorithm.starts_with('2') {
        return next.parse().is_ok_and(|cost: u32| cost < 6);
    }
    let given = if next.starts_with("v=") { parts.next().unwrap_or_default() } else { next };
    let costs: Vec<_> = given.split(',').filter_map(|it| it.split_once('=')).collect();
    // Omitted parameters have expensive defaults.
    let is_small = |(name, value): &(&str, &str)| {
        COSTS.iter().any(|(cost, most)| cost == name && value.parse().is_ok_and(|value: u32| value <= *most))
    };
    costs.len() == 3 && costs.iter().all(is_small)
}
