//! Sealed messages and hashes of passwords.

use super::dice::Dice;
use super::forms::{build, bytes, options, text, try_build, whole};

/// Opens the input, which was never sealed, then seals it, opens it, and opens it again after a bit flip.
pub fn open(input: &[u8]) {
    let mut dice = Dice::of(input);
    let cipher = ["aes-256-gcm", "chacha20-poly1305"][dice.below(2)];
    let args = [text(cipher), bytes(&[7; 32]), options(&[("aad", bytes(&input[..input.len() / 4]))])];
    let open = build("open", &args);
    assert!(whole(&*open, input).is_err(), "opened a message that was never sealed");
    let mut sealed = whole(&*build("seal", &args), input).expect("any message can be sealed");
    assert!(whole(&*open, &sealed).is_ok_and(|opened| opened == input), "opens to a different message");
    let index = dice.below(sealed.len());
    sealed[index] ^= 1 << dice.below(8);
    assert!(whole(&*open, &sealed).is_err(), "the change at {index} went unnoticed");
}

/// Largest costs that are fast enough to try.
const COSTS: [(&str, u32); 5] = [("m", 64), ("t", 3), ("p", 4), ("ln", 6), ("r", 8)];

/// The input is the hash. Verifies against it only if its stated costs are low.
pub fn verify_password(input: &[u8]) {
    let Ok(hash) = std::str::from_utf8(input) else { return };
    let Ok(transform) = try_build("verifyPassword", &[text(hash)]) else { return };
    if is_cheap(hash) {
        let verdict = whole(&*transform, b"password").expect("an accepted hash can be verified");
        assert!(verdict == b"false" || verdict == b"true");
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
