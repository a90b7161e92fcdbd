package engine

import "testing"

// A replay may take longer than the step that it reproduces did: the machine is another one, or busier.
// The limit that the session was within then does not keep it from going on now.
func TestReplayIsSlower(t *testing.T) {
	for name, code := range map[string]string{
		"the script": `local x = 0 for i = 1, 4e7 do x = x + i end alc.llm("a") return 1`,
		"a child":    `alc.fork({"busy"}, {}) alc.llm("a") return 1`,
	} {
		t.Run(name, func(t *testing.T) {
			h := newMemHost()
			h.modules["busy"] = `return {run = function() local x = 0 for i = 1, 4e7 do x = x + i end return x end}`
			st := start(code)
			before := processCPU()
			begin(t, h, st)
			took := processCPU() - before
			recorded, _, err := decodeStart(&h.events[0])
			if err != nil {
				t.Fatal(err)
			}
			recorded.Code, recorded.Limits.StepCPU = st.Code, took/2
			h.events[0].Body = recorded.encode()
			s := restore(t, h)
			if o := s.Outcome(); o.Kind != OutcomePaused {
				t.Fatalf("restored as %+v", o)
			}
			if o, err := s.Answer(t.Context(), []Answer{{Response: "x"}}); err != nil || string(o.Output) != "1" {
				t.Errorf("%+v, %v", o, err)
			}
		})
	}
}
