package engine

import (
	"fmt"
	"testing"
)

func BenchmarkMath(b *testing.B) {
	prelude := `local m, x, y = alc.math, {}, {} for i = 1, 10000 do x[i], y[i] = (i * 7919 % 10007) / 7, (i * 104729 % 10009) / 3 end `
	for _, bm := range []struct{ name, call string }{
		{"mean of 10000", "m.mean(x)"}, {"softmax of 10000", "m.softmax(x)"}, {"kendall_tau of 10000", "m.kendall_tau(x, y)"},
		{"rng_float", "m.rng_float(r)"}, {"normal_sample", "m.normal_sample(r, 0, 1)"}, {"erf", "m.erf(0.5)"},
		{"bootstrap_mean of 1000 x 1000", "m.bootstrap_mean(z, 1000, 1)"}, {"shuffle of 10000", "m.shuffle(r, x)"},
	} {
		b.Run(bm.name, func(b *testing.B) {
			code := prelude + fmt.Sprintf(`local r, z = m.rng_create(1), {} for i = 1, 1000 do z[i] = x[i] end for i = 1, %d do %s end`, b.N, bm.call)
			st := start(code)
			st.Limits.StepCPU = 0
			s, err := Begin(b.Context(), newMemHost(), testVMs(), st)
			if err != nil {
				b.Fatal(err)
			}
			if o := s.Outcome(); o.Failure != nil {
				b.Error(o.Failure)
			}
			if err := s.Close(); err != nil {
				b.Error(err)
			}
		})
	}
}
