package model

import (
	"encoding/json"
	"fmt"
)

// Confusion counts posts by their true label (first index) and the model's (second):
// negative, neutral, positive.
type Confusion [3][3]int

// SentimentConfusions returns, by language (ISO 639), how the embedded sentiment model
// labelled posts that it was not trained on. A board corrects shares of labels with it:
// row by row it is the chance of each answer given the true label. Languages without
// labelled posts are not in it.
func SentimentConfusions() (map[string]Confusion, error) {
	var figures struct {
		Languages map[string]struct {
			Confusion Confusion `json:"confusion"`
		} `json:"languages"`
	}
	if err := json.Unmarshal([]byte(sentimentFigures), &figures); err != nil {
		return nil, fmt.Errorf("model: sentiment.json: %w", err)
	}
	all := make(map[string]Confusion, len(figures.Languages))
	for code, language := range figures.Languages {
		all[code] = language.Confusion
	}
	return all, nil
}
