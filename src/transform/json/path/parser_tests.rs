use super::*;

#[test]
fn errors_have_a_reason_and_an_offset() {
    for (path, reason) in [
        ("", "expected '$' at the end"),
        ("$.é b", "expected '.', '[' or the end at character 3, found ' '"),
        ("$[?@.a = 1]", "expected ']' at character 7, found '='"),
        ("$[9007199254740992]", "expected an integer within 2^53 at character 2, found '9'"),
        ("$['a", "expected the end of a string at the end"),
        ("$[?@.* == 1]", "only a query of names and indexes can be compared"),
        ("$[?size(@) == 1]", "unknown function 'size'"),
        ("$[?count(1) == 1]", "invalid arguments of the function 'count'"),
        ("$[?1]", "a value is not a test: it must be compared"),
    ] {
        assert_eq!(parse(path).unwrap_err(), reason, "{path}");
    }
}

#[test]
fn all_of_rfc_9535_is_accepted() {
    for path in [
        "$",
        "$ .a ..b [ 'c' , \"d\\u00e9\\uD83D\\uDE00\" , 0 , -1 , 1 : 2 , :: , ::-2 , * ] ..* ..[?@]",
        "$[?!@.a && (@.b || !(@ == 1e-3)) || $.c[0] <= -0 && match(@, 'a') && !search(@.a, $.b)]",
        "$[?length(value(@..a)) != count($.*) && null == true && @['b'][-1] > \"x\"]",
    ] {
        parse(path).unwrap();
    }
}
