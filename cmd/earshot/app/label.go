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

	"golang.org/x/sync/errgroup"

	"earshot/pipeline"
)

// Label is the work of the command `label`: texts in, labels out, line by line.
type Label struct {
	Plain    bool      // each line is a text; else each is JSON
	Strict   bool      // a line that is not understood is a failure
	Notes    io.Writer // told in the end how many lines were not understood; nil: silent
	Progress io.Writer // a terminal that is told how far it is; nil: silent
	Size     int64     // of the input in bytes; 0: not known
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
	Brands        []labelledBrand    `json:"brands,omitzero"` // without configured brands there is no such list
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
	Via          pipeline.Via      `json:"via"`
	Spans        []pipeline.Span   `json:"spans"`
	Categories   []string          `json:"categories,omitempty"`
	Sentiment    pipeline.Polarity `json:"sentiment"`
	Score        float32           `json:"score"`
}

// labelJob is some lines, and later their labels.
type labelJob struct {
	first int // number of the first line, from 1
	lines []labelLine
	size  int64 // of the lines in bytes
	out   bytes.Buffer
	bad   int
	done  chan struct{}
}

// labelLine is a line of input, or what is wrong with it.
type labelLine struct {
	text []byte
	err  error
}

// labelProgress is how far the work is.
type labelProgress struct {
	lines, bytes, bad atomic.Int64
}

// RunLabel labels the texts of in, one JSON line for each, in order. Lines that are not
// understood get a line with an error; with Strict the command then fails.
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
	var progress labelProgress
	g, ctx := errgroup.WithContext(ctx)
	read := make(chan error, 1)
	go func() { // not of the group: a read of standard input cannot be broken off
		defer close(todo)
		defer close(ordered)
		read <- readLabelJobs(ctx, in, todo, ordered)
	}()
	for range workers {
		g.Go(func() error { return l.workAll(ctx, edition.chain, len(cfg.Brands) > 0, todo) })
	}
	g.Go(func() error {
		if err := writeLabels(ctx, out, ordered, &progress); err != nil {
			return err
		}
		return <-read
	})
	stop := l.report(&progress)
	err = g.Wait()
	stop()
	if bad := progress.bad.Load(); err == nil && bad > 0 {
		told := fmt.Errorf("label: %d of %d lines were not understood; each has its \"error\"", bad, progress.lines.Load())
		if l.Strict {
			return failure(ExitDeadLetters, told)
		}
		if l.Notes != nil {
			fmt.Fprintln(l.Notes, told)
		}
	}
	return err
}

// workAll labels jobs until there are no more.
func (l Label) workAll(ctx context.Context, chain pipeline.Enricher, brands bool, todo <-chan *labelJob) error {
	for {
		select {
		case job, ok := <-todo:
			if !ok {
				return nil
			}
			l.work(chain, brands, job)
			close(job.done)
		case <-ctx.Done():
			return ctx.Err()
		}
	}
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
		line, size, err := readLine(r)
		if err != nil && !errors.Is(err, io.EOF) {
			return fmt.Errorf("label: line %d: %w", number+1, err)
		}
		if size > 0 {
			number++
			job.size += size
			job.lines = append(job.lines, line)
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

// readLine reads a line, of which size is the length with its end. Of one that is too long
// nothing is kept.
func readLine(r *bufio.Reader) (line labelLine, size int64, err error) {
	for {
		part, err := r.ReadSlice('\n')
		size += int64(len(part))
		if size > labelLimit {
			line = labelLine{err: fmt.Errorf("longer than %d bytes", labelLimit)}
		} else {
			line.text = append(line.text, part...)
		}
		if !errors.Is(err, bufio.ErrBufferFull) {
			line.text = bytes.TrimRight(line.text, "\r\n")
			return line, size, err
		}
	}
}

// writeLabels writes what the workers made, in the order of the input.
func writeLabels(ctx context.Context, out io.Writer, ordered <-chan *labelJob, progress *labelProgress) error {
	for {
		var job *labelJob
		select {
		case job = <-ordered:
		case <-ctx.Done():
			return ctx.Err()
		}
		if job == nil {
			return nil // the end of the input
		}
		select {
		case <-job.done:
		case <-ctx.Done():
			return ctx.Err()
		}
		if _, err := out.Write(job.out.Bytes()); err != nil {
			return fmt.Errorf("label: write: %w", err)
		}
		progress.lines.Add(int64(len(job.lines)))
		progress.bytes.Add(job.size)
		progress.bad.Add(int64(job.bad))
	}
}

// work labels the lines of a job.
func (l Label) work(chain pipeline.Enricher, brands bool, job *labelJob) {
	encoder := json.NewEncoder(&job.out)
	encoder.SetEscapeHTML(false)
	for i, line := range job.lines {
		answer, err := l.label(chain, brands, line)
		if err != nil {
			job.bad++
			_ = encoder.Encode(map[string]string{"error": fmt.Sprintf("line %d: %v", job.first+i, err)})
			continue
		}
		_ = encoder.Encode(answer) // a buffer takes it, and a labelled has nothing that JSON has not
	}
}

// label labels one line.
func (l Label) label(chain pipeline.Enricher, brands bool, line labelLine) (*labelled, error) {
	post, err := l.read(brands, line)
	if err != nil {
		return nil, err
	}
	r := pipeline.Record{Post: *post}
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
	if brands {
		out.Brands = []labelledBrand{}
	}
	for _, m := range r.Mentions[1:] {
		spans := append([]pipeline.Span{}, m.Spans...) // a mention by channel alone has none
		out.Brands = append(out.Brands, labelledBrand{m.Brand, m.QueryVersion, m.Via, spans, m.Categories, m.Toward.Label, m.Toward.Score})
	}
	return out, nil
}

// read reads a line. Queries ask the other fields of a post too, so where brands are
// configured it is read as a whole; else only text and lang are looked at.
func (l Label) read(brands bool, line labelLine) (*pipeline.Post, error) {
	if line.err != nil {
		return nil, line.err
	}
	if l.Plain {
		return &pipeline.Post{Text: string(line.text)}, nil
	}
	var in struct {
		Text *string `json:"text"`
		Lang string  `json:"lang"`
	}
	if err := json.Unmarshal(line.text, &in); err != nil {
		if wrong := (*json.UnmarshalTypeError)(nil); errors.As(err, &wrong) {
			if wrong.Field == "" {
				return nil, fmt.Errorf("not a JSON object (--plain takes bare texts): it is a JSON %s", wrong.Value)
			}
			return nil, fmt.Errorf("%q is a %s, not a string", wrong.Field, wrong.Value)
		}
		return nil, fmt.Errorf("not a JSON object (--plain takes bare texts): %w", err)
	}
	if in.Text == nil {
		return nil, errors.New(`no "text"`)
	}
	post := &pipeline.Post{Text: *in.Text, Lang: in.Lang}
	if !brands {
		return post, nil
	}
	if _, err := pipeline.DecodePost(line.text, post); err != nil {
		return nil, fmt.Errorf("as a post, which queries ask: %w", err)
	}
	return post, nil
}
