//! Aggregates the rows of a CSV by group, without a table.

use super::groups::Groups;
use super::reader::RecordReader;
use super::record::Record;
use super::spec::Spec;
use crate::args::Args;
use crate::cancel::Cancel;
use crate::error::Result;
use crate::transform::contract::{BuildResult, Output, StreamTransform, Transform, run_stream};
use crate::transform::value::Value;
use std::sync::Arc;

struct Aggregate(Arc<Spec>);

/// `csv.aggregate({ groupBy, measures, … })`, with the options of `csv.parse`.
pub fn aggregate(args: &Args) -> BuildResult {
    Ok(Box::new(Aggregate(Arc::new(Spec::read(args)?))))
}

impl Aggregate {
    fn start(&self) -> Box<Aggregator> {
        Box::new(Aggregator { spec: self.0.clone(), reader: self.0.options.reader(), groups: None })
    }
}

impl Transform for Aggregate {
    fn name(&self) -> &'static str {
        "csv.aggregate"
    }

    fn limited(&self, max_output: u64) -> Option<Arc<dyn Transform>> {
        Some(Arc::new(Aggregate(Arc::new(Spec { options: self.0.options.limited(max_output), ..(*self.0).clone() }))))
    }

    fn run(&self, input: Value, cancel: &Cancel) -> Result<Value> {
        run_stream(self.start(), input, cancel)
    }

    fn stream(&self) -> Option<Box<dyn StreamTransform>> {
        Some(self.start())
    }

    fn output(&self) -> Output {
        Output::Json
    }
}

struct Aggregator {
    spec: Arc<Spec>,
    reader: RecordReader,
    /// `None` before the first record.
    groups: Option<Groups>,
}

fn add(spec: &Arc<Spec>, groups: &mut Option<Groups>, record: &Record<'_>) -> Result<()> {
    if let Some(groups) = groups {
        return groups.add(record);
    }
    let names = spec.options.names(Some(record))?;
    let groups = groups.insert(Groups::new(spec.clone(), &names).map_err(|error| error.at(record.offset))?);
    if spec.options.has_header() { Ok(()) } else { groups.add(record) }
}

impl StreamTransform for Aggregator {
    fn push(&mut self, chunk: &[u8], _out: &mut Vec<u8>, cancel: &Cancel) -> Result<()> {
        let Aggregator { spec, reader, groups } = self;
        reader.push(chunk, cancel, |record| add(spec, groups, record))
    }

    fn finish(self: Box<Self>, _out: Vec<u8>, cancel: &Cancel) -> Result<Value> {
        cancel.check()?;
        let Aggregator { spec, mut reader, mut groups } = *self;
        reader.finish(|record| add(&spec, &mut groups, record))?;
        let groups = match groups {
            Some(groups) => groups,
            // An input without records lacks a header: the columns that the options name count as present.
            None => Groups::new(spec.clone(), &spec.columns())?,
        };
        Ok(Value::Json(groups.into_json(cancel)?))
    }
}

#[cfg(all(test, not(feature = "loom")))]
mod tests {
    use super::*;
    use crate::args::Arg;
    use crate::error::Kind;
    use crate::transform::testing::{arg, args, cuts, fails, options, stops, whole};

    fn list(texts: &[&str]) -> Arg {
        Arg::List(texts.iter().map(|text| arg(text)).collect())
    }

    fn of(fields: Vec<(&str, Arg)>) -> BuildResult {
        let fields = fields.into_iter().map(|(name, value)| (name.to_string(), value)).collect();
        aggregate(&Args::new(vec![Arg::Record(fields)]))
    }

    fn make<const N: usize>(by: &[&str], measures: [(&str, &[&str]); N], types: &[(&str, &str)]) -> Box<dyn Transform> {
        let types = types.iter().map(|(name, of)| ((*name).to_string(), arg(of))).collect();
        let measures = options(measures.map(|(name, measure)| (name, list(measure))));
        of(vec![("groupBy", list(by)), ("measures", measures), ("columns", Arg::Record(types))]).unwrap()
    }

    fn json(transform: &dyn Transform, input: &str) -> String {
        cuts(transform, input.as_bytes());
        String::from_utf8(whole(transform, input.as_bytes()).unwrap()).unwrap()
    }

    const SALES: &str = "region,ok,amount\nEU,1,3\nUS,true,10\nEU,0,\n\"\",1,1\n,1,2\nEU,1,5.5\n\"EU\",1,\"-1\"\n";

    #[test]
    fn groups_are_in_order_of_first_appearance() {
        let spec: [(&str, &[&str]); 4] = [
            ("rows", &["count"]),
            ("n", &["count", "amount"]),
            ("largest", &["max", "amount"]),
            ("all", &["sum", "amount"]),
        ];
        assert_eq!(
            json(&*make(&["region"], spec, &[]), SALES),
            concat!(
                r#"[{"region":"EU","rows":4,"n":3,"largest":5.5,"all":7.5},"#,
                r#"{"region":"US","rows":1,"n":1,"largest":10.0,"all":10.0},"#,
                r#"{"region":"","rows":1,"n":1,"largest":1.0,"all":1.0},"#,
                r#"{"region":null,"rows":1,"n":1,"largest":2.0,"all":2.0}]"#
            )
        );
        let typed = make(&["ok", "region"], [("rows", &["count"])], &[("ok", "boolean")]);
        let expected = r#"[{"ok":true,"region":"EU","rows":3},{"ok":true,"region":"US","rows":1},{"ok":false,"region":"EU","rows":1},"#;
        assert!(json(&*typed, SALES).starts_with(expected));
        let numbers = make(&["n"], [("rows", &["count"])], &[("n", "number")]);
        let expected = r#"[{"n":1.0,"rows":3},{"n":0.0,"rows":2},{"n":null,"rows":2},{"n":-1e999,"rows":1}]"#;
        assert_eq!(json(&*numbers, "n,m\n1,\n-0,\n1.0,\n,\n0,\n+1,\nNaN,\n-Infinity,\n"), expected);
        let odd = make(&["a\"b"], [("__proto__", &["count"])], &[]);
        assert_eq!(json(&*odd, "\"a\"\"b\"\n\"x\"\"\n\"\n"), r#"[{"a\"b":"x\"\n","__proto__":1}]"#);
        assert_eq!(json(&*make(&["a"], [], &[]), "a\nx\ny\nx\n"), r#"[{"a":"x"},{"a":"y"}]"#);
    }

    #[test]
    fn without_group_by_all_rows_form_one_group() {
        let spec: [(&str, &[&str]); 8] = [
            ("rows", &["count"]),
            ("n", &["count", "x"]),
            ("sum", &["sum", "x"]),
            ("mean", &["mean", "x"]),
            ("min", &["min", "x"]),
            ("max", &["max", "x"]),
            ("p50", &["p50", "x"]),
            ("p99.9", &["p99.9", "x"]),
        ];
        let all = make(&[], spec, &[]);
        let nothing = r#""n":0,"sum":0.0,"mean":null,"min":null,"max":null,"p50":null,"p99.9":null}]"#;
        for (text, rows) in [("", 0), ("x", 0), ("x,y\n,1\n,\n", 2)] {
            assert_eq!(json(&*all, text), format!(r#"[{{"rows":{rows},{nothing}"#));
        }
        let expected = r#"[{"rows":4,"n":4,"sum":10.0,"mean":2.5,"min":1.0,"max":4.0,"p50":2.5,"p99.9":3.997}]"#;
        assert_eq!(json(&*all, "x\n4\n1\n3\n2\n"), expected);
        let expected = r#"[{"rows":2,"n":2,"sum":null,"mean":null,"min":null,"max":null,"p50":null,"p99.9":null}]"#;
        assert_eq!(json(&*all, "x\nNaN\n1\n"), expected);
        assert_eq!(json(&*make(&["x"], [("n", &["count"])], &[]), ""), "[]");
        assert_eq!(json(&*make(&[], [], &[]), "x\n1"), "[{}]");
    }

    #[test]
    fn sums_are_accurate() {
        let sum = make(&[], [("sum", &["sum", "x"]), ("mean", &["mean", "x"])], &[]);
        assert_eq!(json(&*sum, "x\n1e100\n1\n-1e100\n1\n"), r#"[{"sum":2.0,"mean":0.5}]"#);
        assert_eq!(json(&*sum, &format!("x\n{}", "0.1\n".repeat(100_000))), r#"[{"sum":10000.0,"mean":0.1}]"#);
        assert_eq!(json(&*sum, "x\n1e308\n1e308\n"), r#"[{"sum":1e999,"mean":1e999}]"#);
        assert_eq!(json(&*sum, "x\nInfinity\n-Infinity\n"), r#"[{"sum":null,"mean":null}]"#);
    }

    #[test]
    fn invalid_rows_are_reported_with_line_and_offset() {
        let sum = make(&["a"], [("sum", &["sum", "x"])], &[]);
        for (text, message, offset) in [
            ("a,x\n1,2\n3,four\n", "The field in line 3 of the column 'x' is not a number. Received 'four'", 10),
            ("a,y\n", "The column 'x' of options.measures['sum'] does not exist. The columns are 'a', 'y'", 0),
            ("\nx,y\n", "The column 'a' of options.groupBy does not exist. The columns are 'x', 'y'", 1),
        ] {
            let error = fails(&*sum, text.as_bytes());
            assert_eq!((error.kind, &*error.message, error.offset), (Kind::InvalidData, message, Some(offset)));
        }
        stops(&*sum, b"a,x\n1,2\n");
    }

    #[test]
    fn memory_is_bounded_by_max_output() {
        let limited = |by: &[&str], op: &str, max: f64| {
            let measures = options([("it", list(&[op, "x"]))]);
            of(vec![("groupBy", list(by)), ("measures", measures), ("maxOutput", Arg::Number(max))]).unwrap()
        };
        let text: Vec<String> = (0..10_000).map(|row: u32| row.to_string()).collect();
        let text = format!("x\n{}", text.join("\n")).into_bytes();
        assert!(whole(&*limited(&[], "sum", 1000.0), &text).is_ok());
        assert_eq!(fails(&*limited(&[], "p50", 1000.0), &text).kind, Kind::OutputLimit);
        assert_eq!(fails(&*limited(&["x"], "sum", 1000.0), &text).kind, Kind::OutputLimit);
        assert!(whole(&*limited(&["x"], "p50", 1e7), &text).is_ok());
    }

    #[test]
    fn options_are_checked() {
        let measures = |measure: Arg| vec![("measures", options([("it", measure)]))];
        let grouped = |by: Arg| vec![("groupBy", by), ("measures", options([("it", list(&["count"]))]))];
        let typed = |of: &str| {
            let mut fields = measures(list(&["sum", "a"]));
            fields.push(("columns", options([("a", arg(of))])));
            fields
        };
        let given = |names: &[&str]| {
            let mut fields = measures(list(&["sum", "a"]));
            fields.push(("header", list(names)));
            fields
        };
        for (fields, code, part) in [
            (vec![], "ERR_INVALID_ARG_TYPE", "measures"),
            (vec![("measures", list(&["count"]))], "ERR_INVALID_ARG_TYPE", "of type object"),
            (vec![("measure", list(&[]))], "ERR_INVALID_ARG_VALUE", "'options.measure' is unknown"),
            (measures(arg("count")), "ERR_INVALID_ARG_TYPE", "options.measures['it']"),
            (measures(list(&[])), "ERR_INVALID_ARG_VALUE", "Received 0 elements"),
            (measures(list(&["sum", "a", "b"])), "ERR_INVALID_ARG_VALUE", "Received 3 elements"),
            (measures(Arg::List(vec![Arg::Number(1.0)])), "ERR_INVALID_ARG_TYPE", "array of strings"),
            (measures(list(&["sum"])), "ERR_INVALID_ARG_VALUE", "Received only 'sum'"),
            (measures(list(&["total", "a"])), "ERR_INVALID_ARG_VALUE", "'p100'. Received 'total'"),
            (measures(list(&["p101", "a"])), "ERR_INVALID_ARG_VALUE", "'p0' to 'p100'"),
            (measures(list(&["p", "a"])), "ERR_INVALID_ARG_VALUE", "'p0' to 'p100'"),
            (measures(list(&["p1e1", "a"])), "ERR_INVALID_ARG_VALUE", "'p0' to 'p100'"),
            (measures(list(&["p-1", "a"])), "ERR_INVALID_ARG_VALUE", "'p0' to 'p100'"),
            (measures(list(&["p1.2.3", "a"])), "ERR_INVALID_ARG_VALUE", "'p0' to 'p100'"),
            (grouped(arg("a")), "ERR_INVALID_ARG_TYPE", "array of strings"),
            (grouped(list(&["a", "a"])), "ERR_INVALID_ARG_VALUE", "twice. Received 'a'"),
            (
                grouped(list(&["it"])),
                "ERR_INVALID_ARG_VALUE",
                "the name of a column of \"options.groupBy\". Received 'it'",
            ),
            (
                typed("string"),
                "ERR_INVALID_ARG_VALUE",
                "a column of numbers: \"options.columns\" has another type. Received 'a'",
            ),
            (
                typed("boolean"),
                "ERR_INVALID_ARG_VALUE",
                "a column of numbers: \"options.columns\" has another type. Received 'a'",
            ),
            (
                given(&["b"]),
                "ERR_INVALID_ARG_VALUE",
                "\"options.measures['it']\" property must name columns of \"options.header\". Received 'a'",
            ),
        ] {
            let error = of(fields).err().unwrap();
            assert!(error.code() == code && error.message().contains(part), "{}", error.message());
        }
        assert!(of(typed("number")).is_ok() && of(given(&["a"])).is_ok());
        assert_eq!(aggregate(&args([])).err().unwrap().code(), "ERR_INVALID_ARG_TYPE");
    }
}
