package app

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"runtime"
	"sync/atomic"
	"time"

	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
)

// Label is the work of the command `label`: texts in, labels out, line by line.
type Label struct {
	Plain    bool      // each line is a text; else each is JSON
	Progress io.Writer // told how far it is; nil: silent
}

// The sizes of what is in flight.
const (
	labelLines = 64       // lines that one worker takes at once
	labelLimit = 16 << 20 // bytes of the longest line
)

// labelled is a line of output.
type labelled struct {
	Lang          string             `json:"lang"`
	Confidence    float32            `json:"lang_confidence"`
	Sentiment     pipeline.Polarity  `json:"sentiment"`
	Score         float32            `json:"score"`
	Probabilities labelProbabilities `json:"probabilities"`
	Model         string             `json:"model"`
	Brands        []labelledBrand    `json:"brands,omitempty"`
}

type labelProbabilities struct {
	Negative float32 `json:"negative"`
	Neutral  float32 `json:"neutral"`
	Positive float32 `json:"positive"`
}

// labelledBrand is a brand that a text names, and the sentiment toward it.
type labelledBrand struct {
	Brand        string            `json:"brand"`
	QueryVersion string            `json:"query_version"`
	Spans        []pipeline.Span   `json:"spans"`
	Sentiment    pipeline.Polarity `json:"sentiment"`
	Score        float32           `json:"score"`
}

// labelJob is some lines, and later their labels.
type labelJob struct {
	first int // number of the first line, from 1
	lines [][]byte
	out   bytes.Buffer
	bad   int
	done  chan struct{}
}

// RunLabel labels the texts of in, one JSON line for each, in order. Lines that are not
// understood get a line with an error, and the command ends with an error.
func RunLabel(ctx context.Context, cfg *Config, l Label, in io.Reader, out io.Writer) error {
	chains, err := cfg.newChains()
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	edition, err := chains(cfg.Brands)
	if err != nil {
		return failure(ExitConfiguration, err)
	}
	workers := runtime.GOMAXPROCS(0)
	todo, ordered := make(chan *labelJob, workers), make(chan *labelJob, 4*workers)
	var written, bad atomic.Int64
	g, ctx := errgroup.WithContext(ctx)
	g.Go(func() error {
		defer close(todo)
		defer close(ordered)
		return readLabelJobs(ctx, in, todo, ordered)
	})
	for range workers {
		g.Go(func() error {
			for job := range todo {
				l.work(edition.chain, job)
				close(job.done)
			}
			return nil
		})
	}
	g.Go(func() error { return writeLabels(ctx, out, ordered, &written, &bad) })
	stop := l.report(&written)
	err = g.Wait()
	stop()
	if err == nil && bad.Load() > 0 {
		err = fmt.Errorf("label: %d of %d lines were not understood; each has its \"error\"", bad.Load(), written.Load())
	}
	return err
}

// readLabelJobs cuts the input into jobs. A job ends early where the input makes a pause,
// so that a stream is answered as it comes.
func readLabelJobs(ctx context.Context, in io.Reader, todo, ordered chan<- *labelJob) error {
	r := bufio.NewReaderSize(in, 1<<20)
	job, number := &labelJob{first: 1, done: make(chan struct{})}, 0
	send := func() error {
		for _, c := range []chan<- *labelJob{ordered, todo} {
			select {
			case c <- job:
			case <-ctx.Done():
				return ctx.Err()
			}
		}
		job = &labelJob{first: number + 1, done: make(chan struct{})}
		return nil
	}
	for {
		line, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("label: line %d: %w", number+1, err)
		}
		if len(line) > 0 {
			number++
			job.lines = append(job.lines, bytes.TrimRight(line, "\r\n"))
		}
		if ended := err != nil; len(job.lines) >= labelLines || len(job.lines) > 0 && (ended || r.Buffered() == 0) {
			if err := send(); err != nil {
				return err
			}
		}
		if err != nil {
			return nil //nolint:nilerr // the end of the input
		}
	}
}

// readLine reads a line with its end.
func readLine(r *bufio.Reader) (line []byte, err error) {
	for {
		part, err := r.ReadSlice('\n')
		line = append(line, part...)
		if !errors.Is(err, bufio.ErrBufferFull) {
			return line, err
		}
		if len(line) > labelLimit {
			return nil, fmt.Errorf("longer than %d bytes", labelLimit)
		}
	}
}

// writeLabels writes what the workers made, in the order of the input.
func writeLabels(ctx context.Context, out io.Writer, ordered <-chan *labelJob, written, bad *atomic.Int64) error {
	for job := range ordered {
		select {
		case <-job.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := out.Write(job.out.Bytes()); err != nil {
			return fmt.Errorf("label: write: %w", err)
		}
		written.Add(int64(len(job.lines)))
		bad.Add(int64(job.bad))
	}
	return nil
}

// work labels the lines of a job.
func (l Label) work(chain pipeline.Enricher, job *labelJob) {
	encoder := json.NewEncoder(&job.out)
	encoder.SetEscapeHTML(false)
	for i, line := range job.lines {
		answer, err := l.label(chain, line)
		if err != nil {
			job.bad++
			_ = encoder.Encode(map[string]string{"error": fmt.Sprintf("line %d: %v", job.first+i, err)})
			continue
		}
		_ = encoder.Encode(answer) // a buffer takes it, and a labelled has nothing that JSON has not
	}
}

// label labels one line.
func (l Label) label(chain pipeline.Enricher, line []byte) (*labelled, error) {
	var in struct {
		Text *string `json:"text"`
		Lang string  `json:"lang"`
	}
	if l.Plain {
		text := string(line)
		in.Text = &text
	} else if err := json.Unmarshal(line, &in); err != nil {
		return nil, fmt.Errorf("not JSON (--plain takes bare texts): %w", err)
	}
	if in.Text == nil {
		return nil, errors.New(`no "text"`)
	}
	r := pipeline.Record{Post: pipeline.Post{Text: *in.Text, Lang: in.Lang}}
	// The chain judges posts that name a brand: a mention without one stands for the text.
	r.Mentions = append(r.Mentions, pipeline.Mention{})
	if err := chain.Enrich(&r); err != nil {
		return nil, err
	}
	whole := r.Mentions[0].Sentiment
	out := &labelled{
		Lang: r.Language.Code, Confidence: r.Language.Confidence,
		Sentiment: whole.Label, Score: whole.Score, Model: whole.Model,
		Probabilities: labelProbabilities{whole.Negative, whole.Neutral, whole.Positive},
	}
	for _, m := range r.Mentions[1:] {
		out.Brands = append(out.Brands, labelledBrand{m.Brand, m.QueryVersion, m.Spans, m.Toward.Label, m.Toward.Score})
	}
	return out, nil
}

// report tells how far it is, until it is stopped.
func (l Label) report(written *atomic.Int64) (stop func()) {
	if l.Progress == nil {
		return func() {}
	}
	begin, quit, ended := time.Now(), make(chan struct{}), make(chan struct{})
	tell := func(end string) {
		n := written.Load()
		fmt.Fprintf(l.Progress, "\r%d texts, %.0f a second%s", n, float64(n)/time.Since(begin).Seconds(), end)
	}
	go func() {
		defer close(ended)
		for {
			select {
			case <-time.After(250 * time.Millisecond):
				tell("")
			case <-quit:
				tell("\n")
				return
			}
		}
	}()
	return func() { close(quit); <-ended }
}
