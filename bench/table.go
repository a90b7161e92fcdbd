package main

import (
	"fmt"
	"io"
	"sort"
	"text/tabwriter"
	"time"
)

// row is one figure. Goal is empty where there is none.
type row struct {
	what, value, goal, met string
}

type table struct{ rows []row }

// add notes a figure without a goal.
func (t *table) add(what, value string) { t.rows = append(t.rows, row{what: what, value: value}) }

// goal notes a figure beside its goal and whether it is met.
func (t *table) goal(what, value, goal string, ok bool) {
	met := "missed"
	if ok {
		met = "met"
	}
	t.rows = append(t.rows, row{what, value, goal, met})
}

func (t *table) print(w io.Writer, markdown bool) {
	if markdown {
		fmt.Fprintln(w, "| what | measured | goal | |\n| --- | --- | --- | --- |")
		for _, r := range t.rows {
			fmt.Fprintf(w, "| %s | %s | %s | %s |\n", r.what, r.value, r.goal, r.met)
		}
		return
	}
	tw := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(tw, "WHAT\tMEASURED\tGOAL\t")
	for _, r := range t.rows {
		fmt.Fprintf(tw, "%s\t%s\t%s\t%s\n", r.what, r.value, r.goal, r.met)
	}
	tw.Flush()
}

// times are the durations of one thing done many times.
type times []time.Duration

func (ts times) at(p float64) time.Duration {
	if len(ts) == 0 {
		return 0
	}
	s := append(times(nil), ts...)
	sort.Slice(s, func(i, j int) bool { return s[i] < s[j] })
	return s[min(len(s)-1, int(float64(len(s))*p))]
}

func ms(d time.Duration) string { return fmt.Sprintf("%.2f ms", float64(d.Microseconds())/1000) }

func us(d time.Duration) string { return fmt.Sprintf("%.2f µs", float64(d.Nanoseconds())/1000) }

// each times n runs of fn.
func each(n int, fn func(i int) error) (times, error) {
	ts := make(times, 0, n)
	for i := range n {
		t := time.Now()
		if err := fn(i); err != nil {
			return nil, err
		}
		ts = append(ts, time.Since(t))
	}
	return ts, nil
}

// average is the time of one of n runs, when they are too short to be timed one by one.
func average(n int, fn func(i int) error) (time.Duration, error) {
	t := time.Now()
	for i := range n {
		if err := fn(i); err != nil {
			return 0, err
		}
	}
	return time.Since(t) / time.Duration(n), nil
}
