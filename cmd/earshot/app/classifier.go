package app

import (
	"context"

	"earshot/enrich"
	"earshot/enrich/model"
	"earshot/enrich/model/sentiment"
	"earshot/sinks/clickhouse"
)

// publishErrors tells the database how the sentiment model errs, so that boards can correct
// for it. Other engines have no confusion matrix: measures say what was labelled.
func (c *Config) publishErrors(ctx context.Context, db *clickhouse.DB) error {
	if c.Sentiment.Engine != enrich.SentimentLinear {
		return nil
	}
	version, corrections, err := sentiment.Corrections(model.SentimentFigures())
	if err != nil {
		return err
	}
	rows := make([]clickhouse.ClassifierError, len(corrections))
	for i, k := range corrections {
		rows[i] = clickhouse.ClassifierError{
			Model: version, Lang: k.Lang, Rows: k.Rows, Score: k.Score, Inverse: k.Inverse, Variance: k.Variance,
		}
	}
	return db.PutClassifierErrors(ctx, rows)
}
