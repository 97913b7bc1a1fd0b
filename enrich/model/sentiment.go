package model

import _ "embed"

//go:embed sentiment.bin
var sentimentWeights []byte

//go:embed sentiment.md
var sentimentCard string

//go:embed sentiment.json
var sentimentFigures string

// SentimentWeights is the file of the sentiment model; it must not be changed.
func SentimentWeights() []byte { return sentimentWeights }

// SentimentCard is the model card of the sentiment model, as Markdown.
func SentimentCard() string { return sentimentCard }

// SentimentFigures is what the model card tells, as JSON: scores, confusion matrices and
// calibration curves.
func SentimentFigures() string { return sentimentFigures }
