//! How measurements are shown: the first is the floor, and every other is also a ratio to it.

use super::measure::Measurement;
use std::time::Duration;

/// Prints one line for each measurement.
pub(super) fn print(measurements: &[Measurement]) {
    let floor = measurements
        .first()
        .map(Measurement::median)
        .unwrap_or_default();
    println!(
        "\n{:45} {:>10} {:>19} {:>10} {:>10}",
        "command", "median", "spread", "÷ floor", "peak"
    );
    for measurement in measurements {
        let (least, most) = measurement.spread();
        println!(
            "{:45} {:>7.2} ms {:>7.2} … {:>5.2} ms {:>10.1} {:>6.1} MiB",
            measurement.name,
            milliseconds(measurement.median()),
            milliseconds(least),
            milliseconds(most),
            milliseconds(measurement.median()) / milliseconds(floor).max(f64::EPSILON),
            // Far below 2^52 KiB: the conversion is exact.
            measurement.peak_kib as f64 / 1024.0,
        );
    }
}

pub(super) fn milliseconds(duration: Duration) -> f64 {
    duration.as_secs_f64() * 1000.0
}
