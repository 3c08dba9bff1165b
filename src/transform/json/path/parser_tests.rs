use super::*;

#[test]
fn what_is_no_path_is_told_with_its_place() {
    for (path, reason) in [
        ("", "expected '$' at its end"),
        ("$.é b", "expected '.', '[' or the end at character 3, found ' '"),
        ("$[?@.a = 1]", "expected ']' at character 7, found '='"),
        ("$[9007199254740992]", "expected an integer within 2^53 at character 2, found '9'"),
        ("$['a", "expected the end of a string at its end"),
        ("$[?@.* == 1]", "only queries of names and indexes have a value to compare"),
        ("$[?size(@) == 1]", "there is no function 'size'"),
        ("$[?count(1) == 1]", "the function 'count' takes other arguments"),
        ("$[?1]", "a value alone is no test: it must be compared"),
    ] {
        assert_eq!(parse(path).unwrap_err(), reason, "{path}");
    }
}

#[test]
fn all_that_rfc_9535_has_is_taken() {
    for path in [
        "$",
        "$ .a ..b [ 'c' , \"d\\u00e9\\uD83D\\uDE00\" , 0 , -1 , 1 : 2 , :: , ::-2 , * ] ..* ..[?@]",
        "$[?!@.a && (@.b || !(@ == 1e-3)) || $.c[0] <= -0 && match(@, 'a') && !search(@.a, $.b)]",
        "$[?length(value(@..a)) != count($.*) && null == true && @['b'][-1] > \"x\"]",
    ] {
        parse(path).unwrap();
    }
}
