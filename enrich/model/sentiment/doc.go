// Package sentiment is the linear model of sentiment: what it sees in a text (features.go),
// how it judges (model.go), and how it is trained, calibrated and measured. The model is
// one table of int8 weights, so a text gives the same bytes on every machine: sums are
// integers, and what follows them is written so that no compiler may fuse it.
package sentiment
