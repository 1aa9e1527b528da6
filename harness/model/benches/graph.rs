//! Writing the ONNX graphs of MobileLLM 125M: done before every case, so it has to stay far below 0.2 s.

#![expect(clippy::expect_used, reason = "a bench that cannot prepare its model has nothing to measure")]

use std::{fs, hint::black_box, io::Write, path::Path};

use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use pocketwatt_model::{ModelFolder, Preset, write_graph};
use pocketwatt_protocol::{GraphKind, Precision};

fn graphs(criterion: &mut Criterion) {
    let root = tempfile::tempdir().expect("a temporary folder");
    let folder = model_without_weights(root.path());
    for kind in GraphKind::ALL {
        let mut group = criterion.benchmark_group(kind.name());
        let path = write_graph(&folder, kind, Precision::F32).expect("a graph").path;
        group.bench_function("write", |bencher| {
            let remove = || fs::remove_file(&path).expect("a graph to remove");
            bencher.iter_batched(
                remove,
                |()| black_box(write_graph(&folder, kind, Precision::F32)),
                BatchSize::PerIteration,
            );
        });
        group.bench_function("find", |bencher| bencher.iter(|| black_box(write_graph(&folder, kind, Precision::F32))));
    }
}

/// Graphs need only the weight file's header; the rest is a hole of half a gigabyte, which takes no space.
fn model_without_weights(path: &Path) -> ModelFolder {
    let config = Preset::find("mobilellm-125m").expect("the preset").config();
    fs::write(path.join("config.json"), config.to_json()).expect("a configuration");
    let mut header = serde_json::Map::new();
    let mut end = 0;
    for tensor in config.tensors() {
        let start = end;
        end += 4 * tensor.shape.iter().product::<usize>();
        let entry = serde_json::json!({ "dtype": "F32", "shape": tensor.shape, "data_offsets": [start, end] });
        header.insert(tensor.name, entry);
    }
    let header = serde_json::to_vec(&header).expect("a header");
    let mut file = fs::File::create(path.join("model.safetensors")).expect("a weight file");
    file.write_all(&(header.len() as u64).to_le_bytes()).expect("its length");
    file.write_all(&header).expect("its header");
    file.set_len((8 + header.len() + end) as u64).expect("its hole");
    ModelFolder::open(path).expect("a model")
}

criterion_group!(benches, graphs);
criterion_main!(benches);
