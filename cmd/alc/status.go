package main

import (
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/algocline/algocline/llm/terminal"
	"github.com/algocline/algocline/pool"
	"github.com/algocline/algocline/service"
)

func newStatus(a *app) *cobra.Command {
	var history bool
	cmd := &cobra.Command{
		Use:     "status [SID]",
		GroupID: groupSessions,
		Short:   "Show the sessions that wait, or one session",
		Long: `Lists the sessions that are paused or running, whether a worker holds them or
only the journal does. With a SID it shows that session, also an ended one, with
its open queries or its result.`,
		Args:              atMost("SID"),
		ValidArgsFunction: a.completeSID,
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.withService(func(s *service.Service) error {
				if len(args) == 0 {
					return a.listSessions(cmd.Context(), s, history)
				}
				return a.showSession(cmd.Context(), s, args[0], history)
			})
		},
	}
	cmd.Flags().BoolVar(&history, "history", false, "show the last exchanges too")
	return cmd
}

func (a *app) listSessions(ctx context.Context, s *service.Service, history bool) error {
	list, err := s.List(ctx, service.ListOptions{Detail: a.flags.json || history, History: history})
	if err != nil {
		return err
	}
	if a.flags.json {
		doc, err := service.RenderList(list, service.StatusView{History: history})
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	for _, w := range list.Warnings {
		a.voice.note("%s %s", a.voice.errPaint.warn("warning:"), w)
	}
	if len(list.Sessions) == 0 {
		a.voice.note("no session is waiting")
		return nil
	}
	rows := make([][]string, len(list.Sessions))
	for i, e := range list.Sessions {
		worker := "-"
		if e.Worker.PID != 0 {
			worker = strconv.Itoa(e.Worker.PID)
		}
		rows[i] = []string{
			e.SessionID, e.State, orDash(e.Strategy), strconv.Itoa(e.QueriesOpen), strconv.FormatInt(e.LLMCalls, 10),
			since(time.UnixMilli(e.LastActivity)), worker,
		}
	}
	if err := a.voice.print("%s", a.voice.table([]string{"SESSION", "STATE", "STRATEGY", "OPEN", "CALLS", "CHANGED", "WORKER"}, rows)); err != nil {
		return err
	}
	if list.Active > len(list.Sessions) {
		a.voice.note("%d of %d sessions, those that changed last", len(list.Sessions), list.Active)
	}
	return nil
}

func (a *app) showSession(ctx context.Context, s *service.Service, sid string, history bool) error {
	// With an error there may still be what the journal says.
	status, asking := s.Session(ctx, sid, history)
	if asking != nil && len(status.Sessions) == 0 {
		return asking
	}
	entry, err := entryOf(status, sid)
	if err != nil {
		return err
	}
	warning := ""
	if asking != nil {
		warning = asking.Error()
		a.voice.note("%s %s", a.voice.errPaint.warn("warning:"), warning)
	}
	if a.flags.json {
		all, err := service.ParsePendingFilter(json.RawMessage(`"full"`), 0)
		if err != nil {
			return err
		}
		doc, err := service.RenderSession(entry, service.StatusView{Pending: all, History: history, Warning: warning})
		if err != nil {
			return err
		}
		return a.voice.raw(doc)
	}
	return a.describe(entry)
}

// entryOf picks the session that was asked for out of a worker's status.
func entryOf(status pool.Status, sid string) (service.SessionEntry, error) {
	for _, info := range status.Sessions {
		if info.SessionID == sid {
			return service.SessionEntry{SessionInfo: info, Worker: status.Worker, History: status.History}, nil
		}
	}
	return service.SessionEntry{}, fmt.Errorf("the worker said nothing of session %s", sid)
}

// describe prints one session for a person.
func (a *app) describe(e service.SessionEntry) error {
	var b strings.Builder
	field := func(name, value string) {
		if value != "" {
			fmt.Fprintf(&b, "%s %s\n", a.voice.outPaint.faint(fmt.Sprintf("%-9s", name)), value)
		}
	}
	field("session", a.voice.outPaint.strong(e.SessionID))
	field("state", e.State)
	field("strategy", e.Strategy)
	field("started", time.UnixMilli(e.StartedAt).Format(time.DateTime)+", changed "+since(time.UnixMilli(e.LastActivity)))
	field("calls", strconv.FormatInt(e.LLMCalls, 10))
	if e.Worker.PID != 0 {
		field("worker", fmt.Sprintf("%d (%s)", e.Worker.PID, e.Worker.Version))
	}
	a.describeDetail(&b, field, e.Detail)
	for _, x := range e.History {
		fmt.Fprintf(&b, "\n%s\n%s", a.voice.outPaint.strong(x.QueryID), indent(x.Prompt, "  ? ", "    "))
		if x.Response != nil {
			b.WriteString(indent(*x.Response, "  = ", "    "))
		}
	}
	return a.voice.print("%s", b.String())
}

// describeDetail adds what only the session's worker knows.
func (a *app) describeDetail(b *strings.Builder, field func(name, value string), d *pool.SessionDetail) {
	if d == nil {
		return
	}
	if p := d.Progress; p != nil {
		text := fmt.Sprintf("%d of %d", p.Step, p.Total)
		if p.Message != nil {
			text += ", " + terminal.Printable(*p.Message)
		}
		field("progress", text)
	}
	if d.Isolation == pool.IsolationProcess {
		field("isolation", "a process of its own")
	}
	if end := d.Finished; end != nil {
		switch {
		case end.Error == nil:
		case end.Status == pool.StatusCancelled:
			field("reason", terminal.Printable(service.CancelReason(end.Error)))
		default:
			field("error", end.Error.Code+": "+terminal.Printable(end.Error.Message))
		}
		if len(end.Output) > 0 {
			field("result", terminal.Printable(string(end.Output)))
		}
	}
	for _, q := range d.Queries {
		field(q.ID, strings.TrimSpace(indent(q.Prompt, "", "          ")))
	}
	for _, l := range d.Logs {
		field("log", fmt.Sprintf("%s %s", l.Level, terminal.Printable(l.Message)))
	}
}

func orDash(s string) string {
	if s == "" {
		return "-"
	}
	return s
}

// since says how long ago something was, in one unit.
func since(t time.Time) string {
	d := time.Since(t)
	switch {
	case d < time.Second:
		return "just now"
	case d < time.Minute:
		return fmt.Sprintf("%d s ago", d/time.Second)
	case d < time.Hour:
		return fmt.Sprintf("%d min ago", d/time.Minute)
	case d < 48*time.Hour:
		return fmt.Sprintf("%d h ago", d/time.Hour)
	}
	return fmt.Sprintf("%d days ago", d/(24*time.Hour))
}
