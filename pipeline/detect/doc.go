// Package detect finds spikes in counts of mentions. Detector is the heart: pure, online
// and small, it reads one count after the other and never looks ahead. Series and Score
// run it over plain files and score it as the Numenta Anomaly Benchmark does.
//
// It imports no client library: whoever has counts hands them in.
package detect
