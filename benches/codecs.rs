//! The codecs on real files: `OFFLOOP_BENCH_FILES=a.json:b.txt cargo bench --no-default-features --bench codecs`.
//! Without files they run on generated text. Compression ratios go to standard error.

use criterion::{Criterion, Throughput, criterion_group, criterion_main};
use offloop::cancel::Cancel;
use offloop::transform::{Arg, Args, Transform, registry};
use std::hint::black_box;
use std::path::Path;
use std::time::Duration;

const DIGESTS: &[&str] = &["sha1", "sha256", "sha512", "sha3-256", "blake3", "md5", "xxh3-64", "xxh3-128", "crc32"];

/// Compressor, its option, the values of the option, and the decompressor.
const CODECS: &[(&str, &str, &[i32], &str)] = &[
    ("gzip", "level", &[1, 6, 9], "gunzip"),
    ("deflate", "level", &[6], "inflate"),
    ("zstdCompress", "level", &[-5, 1, 3, 9], "zstdDecompress"),
    ("lz4Compress", "level", &[0], "lz4Decompress"),
    ("brotliCompress", "quality", &[1, 4, 5], "brotliDecompress"),
];

fn build(name: &str, args: Vec<Arg>) -> Box<dyn Transform> {
    let entry = registry::find(name).expect("registered");
    (entry.build)(&Args::new(args)).expect("valid arguments")
}

fn run(transform: &dyn Transform, input: &[u8]) -> Vec<u8> {
    let output = transform.run(input.to_vec().into(), &Cancel::new()).expect("the transform succeeds");
    output.into_bytes().expect("bytes").into_vec()
}

fn files() -> Vec<(String, Vec<u8>)> {
    let Ok(paths) = std::env::var("OFFLOOP_BENCH_FILES") else {
        let lines =
            (0..200_000u32).map(|n| format!("{{\"id\":{n},\"name\":\"item {}\"}}\n", n.wrapping_mul(2_654_435_761)));
        return vec![("generated".into(), lines.collect::<String>().into_bytes())];
    };
    let name = |path: &str| Path::new(path).file_name().map_or(path.into(), |name| name.to_string_lossy().into_owned());
    paths.split(':').map(|path| (name(path), std::fs::read(path).expect("a readable file"))).collect()
}

fn codecs(criterion: &mut Criterion) {
    for (file, data) in files() {
        let mut group = criterion.benchmark_group(&file);
        group.sample_size(10).warm_up_time(Duration::from_millis(500)).measurement_time(Duration::from_secs(2));
        group.throughput(Throughput::Bytes(data.len() as u64));
        for algorithm in DIGESTS {
            let transform = build("digest", vec![Arg::Text((*algorithm).to_string().into())]);
            group.bench_function(*algorithm, |bench| bench.iter(|| black_box(run(&*transform, &data))));
        }
        for (name, option, values, decompressor) in CODECS {
            for value in *values {
                let options = Arg::Record(vec![((*option).into(), Arg::Number((*value).into()))]);
                let transform = build(name, vec![options]);
                let packed = run(&*transform, &data);
                #[expect(clippy::cast_precision_loss, reason = "for display only")]
                let ratio = data.len() as f64 / packed.len() as f64;
                eprintln!("{file} {name} {value}: ratio {ratio:.4}");
                group.bench_function(format!("{name}/{value}"), |bench| {
                    bench.iter(|| black_box(run(&*transform, &data)));
                });
                let decompressor = build(decompressor, Vec::new());
                group.bench_function(format!("{}/{name}/{value}", decompressor.name()), |bench| {
                    bench.iter(|| black_box(run(&*decompressor, &packed)));
                });
                assert!(run(&*decompressor, &packed) == data);
            }
        }
        group.finish();
    }
}

criterion_group!(benches, codecs);
criterion_main!(benches);
