package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/spf13/cobra"

	"earshot/enrich"
	"earshot/enrich/model/sentiment"
	"earshot/pipeline"
)

const trainLong = `Trains the sentiment model from files of labelled posts, measures it on rows that it was
not trained on, and writes weights, model card and figures. The same data, seed and
processor architecture give the same bytes. Training takes some minutes and 2 GB.`

func trainCommand() *cobra.Command {
	c := &cobra.Command{
		Use:   "train",
		Short: "Train a model from labelled posts",
		Args:  cobra.NoArgs,
		RunE:  func(c *cobra.Command, _ []string) error { return c.Help() },
	}
	var dir, out, weights string
	s := sentiment.DefaultSettings()
	train := &cobra.Command{
		Use:     "sentiment",
		Short:   "Train the sentiment model",
		Long:    trainLong,
		Example: "  earshot train sentiment --data DIR --out enrich/model",
		Args:    cobra.NoArgs,
		RunE:    func(c *cobra.Command, _ []string) error { return trainSentiment(c, s, dir, out, weights) },
	}
	f := train.Flags()
	f.StringVar(&dir, "data", "", "`DIR` with sentiment/ and more/sentiment/")
	f.StringVar(&out, "out", ".", "`DIR` for sentiment.bin, sentiment.md and sentiment.json")
	f.StringVar(&weights, "weights", "", "train nothing: measure this `FILE` and write its card")
	f.Uint64Var(&s.Seed, "seed", s.Seed, "of the order of the rows")
	f.IntVar(&s.Bits, "bits", s.Bits, "2^bits weights a class")
	f.IntVar(&s.Epochs, "epochs", s.Epochs, "passes over the rows")
	f.Float64Var(&s.Rate, "rate", s.Rate, "AdaGrad's step")
	f.Float64Var(&s.Delta, "delta", s.Delta, "AdaGrad's head start: larger makes rare features learn slower")
	f.Float64Var(&s.L2, "l2", s.L2, "decay of weights")
	f.IntVar(&s.Net.Bits, "net-bits", s.Net.Bits, "2^bits rows of the net; 0: no net")
	f.IntVar(&s.Net.Epochs, "net-epochs", s.Net.Epochs, "passes of the net over the rows")
	f.IntVar(&s.Folds, "folds", s.Folds, "parts for the calibration, at least 2")
	if err := train.MarkFlagRequired("data"); err != nil {
		panic(err) // the flag is defined above
	}
	c.AddCommand(train, trainContextCommand())
	return c
}

func trainSentiment(c *cobra.Command, s sentiment.Settings, dir, out, weights string) error {
	data, err := sentiment.ReadData(dir)
	if err != nil {
		return err
	}
	progress := func(what string) { fmt.Fprintln(c.ErrOrStderr(), what) }
	var file []byte
	if weights != "" {
		file, err = os.ReadFile(weights)
	} else {
		file, err = sentiment.Train(c.Context(), s, data, progress)
	}
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	m, err := sentiment.Load(file)
	if err != nil {
		return err
	}
	report := sentiment.NewReport(m, data)
	for _, name := range slices.Sorted(maps.Keys(report.Means)) {
		progress(fmt.Sprintf("%s %.2f", name, 100*report.Means[name]))
	}
	words, err := lexiconScores(data)
	if err != nil {
		return err
	}
	figures, err := json.MarshalIndent(report, "", " ")
	if err != nil {
		return fmt.Errorf("train: %w", err)
	}
	for name, content := range map[string][]byte{
		"sentiment.bin": file, "sentiment.md": []byte(sentiment.Card(report, words)), "sentiment.json": append(figures, '\n'),
	} {
		if err := os.WriteFile(filepath.Join(out, name), content, 0o644); err != nil { //nolint:gosec // they are made to be published
			return fmt.Errorf("train: %w", err)
		}
	}
	return nil
}

// lexiconScores measures the lexicon on the same rows.
func lexiconScores(data *sentiment.Data) ([]sentiment.Score, error) {
	lexicon, err := enrich.NewSentiment(enrich.SentimentConfig{Engine: enrich.SentimentLexicon})
	if err != nil {
		return nil, err
	}
	judge := func(rows []sentiment.Row) ([]sentiment.Judged, error) {
		out := make([]sentiment.Judged, len(rows))
		for i, row := range rows {
			r := &pipeline.Record{Post: pipeline.Post{Text: row.Text}, Language: pipeline.Language{Code: row.Lang}, Mentions: make([]pipeline.Mention, 1)}
			if err := lexicon.Enrich(r); err != nil {
				return nil, err
			}
			s := r.Mentions[0].Sentiment
			out[i] = sentiment.Judged{
				Row: row, P: [3]float64{float64(s.Negative), float64(s.Neutral), float64(s.Positive)},
				Said: sentiment.Class(string(s.Label)),
			}
		}
		return out, nil
	}
	return sentiment.Scores(data, judge)
}
