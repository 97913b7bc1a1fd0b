// Package sentiment is the model of sentiment: what it sees in a text (features.go), how it
// judges (model.go for the linear part, net.go for the net), and how it is trained, calibrated
// and measured. The model is tables of int8 weights, so a text gives the same bytes on every
// machine: sums are integers, and what follows them is written so that no compiler may fuse it.
package sentiment
