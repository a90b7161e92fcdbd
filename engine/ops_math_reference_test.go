package engine

import (
	"context"
	"encoding/json"
	"fmt"
	"math"
	"math/rand/v2"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/algocline/algocline/internal/rawmcp"
)

// array is mostly good: ties, both zeros, numeric texts; sometimes nothing or a bad element.
func (r random) array(most int) string {
	element := func() string {
		switch r.IntN(40) {
		case 0:
			return r.one("0/0", "1/0", "'x'", "true", "{}", "nil")
		case 1:
			return r.one("'2'", "' 0x10'", "-0.0", "0.0")
		}
		return r.one(strconv.Itoa(r.IntN(5)), fmt.Sprintf("%.3f", 4*r.NormFloat64()), fmt.Sprintf("%d", 1+r.IntN(9)))
	}
	n := 1 + r.IntN(most)
	if r.IntN(25) == 0 {
		n = 0
	}
	es := make([]string, n)
	for i := range es {
		es[i] = element()
	}
	return "{" + strings.Join(es, ", ") + "}"
}

// shares sum to 1, now and then not quite.
func (r random) shares(n int) string {
	es, left := make([]string, n), 64
	for i := range es {
		v := r.IntN(left + 1)
		if i == n-1 {
			v = left
		}
		left -= v
		es[i] = fmt.Sprint(float64(v) / 64)
	}
	if r.IntN(15) == 0 {
		es[0] = r.one("-0.25", "0.3", "'x'", "0/0")
	}
	return "{" + strings.Join(es, ", ") + "}"
}

func (r random) number() string {
	if r.IntN(8) == 0 {
		return r.one("nil", "'x'", "'0.5'", "{}", "true", "0/0", "1/0", "-1/0")
	}
	return r.one("0", "1", "-1", "0.5", "2", "3.7", "10", "-2.5", fmt.Sprintf("%.4f", r.Float64()), fmt.Sprintf("%.4f", 5*r.ExpFloat64()))
}

func (r random) whole() string {
	return r.one("0", "1", "2", "3", "5", "2.9", "'3'", "-1", "nil", "0/0", "1e30", "-0.5")
}

// mathCalls make random calls of pure members of alc.math.
func mathCalls() map[string]func(r random) string {
	calls := map[string]func(r random) string{}
	kinds := map[string]func(r random) string{
		"array": func(r random) string { return r.array(8) }, "number": random.number, "whole": random.whole,
		"chance": func(r random) string { return r.one(r.number(), fmt.Sprintf("%.3f", r.Float64()), "0.95", "0") },
		"shape":  func(r random) string { return r.one(r.number(), fmt.Sprintf("%.3f", 0.1+20*r.Float64())) },
	}
	for names, signature := range map[string]string{
		"mean variance stddev median iqr softmax log_normalize logsumexp rank mrr holm benjamini_hochberg": "array",
		"welch_t_test mann_whitney_u ks_test cohens_d cliffs_delta":                                        "array array",
		"percentile":                    "array number",
		"ewma":                          "array chance",
		"histogram moving_average ndcg": "array whole",
		"autocorrelation":               "array whole",
		"erf erfc expit digamma lgamma": "number",
		"logit normal_ppf":              "chance",
		"beta ln_beta":                  "shape shape",
		"beta_mean beta_variance":       "shape shape",
		"regularized_incomplete_beta":   "chance shape shape",
		"beta_cdf beta_ppf":             "chance shape shape",
		"regularized_incomplete_gamma":  "shape shape",
		"gamma_cdf":                     "shape shape shape",
		"normal_cdf":                    "number number shape",
		"normal_inverse_cdf":            "chance number shape",
		"poisson_cdf":                   "whole shape",
		"factorial ln_factorial":        "whole",
		"wilson_ci":                     "whole shape chance",
	} {
		for _, name := range strings.Fields(names) {
			calls[name] = func(r random) string {
				args := []string{"alc.math." + name}
				for _, k := range strings.Fields(signature) {
					args = append(args, kinds[k](r))
				}
				return strings.Join(args, ", ")
			}
		}
	}
	for _, name := range strings.Fields("covariance correlation spearman_correlation kendall_tau chi_squared_test") {
		calls[name] = func(r random) string {
			n := 2 + r.IntN(5)
			side := func() string {
				es := make([]string, n)
				for i := range es {
					es[i] = strconv.Itoa(1 + r.IntN(4))
				}
				return "{" + strings.Join(es, ", ") + "}"
			}
			return fmt.Sprintf("alc.math.%s, %s, %s", name, r.one(side(), side(), side(), r.array(4)), side())
		}
	}
	for _, name := range strings.Fields("entropy kl_divergence js_divergence cross_entropy tvd hellinger wasserstein_1d") {
		calls[name] = func(r random) string {
			n := 1 + r.IntN(5)
			return fmt.Sprintf("alc.math.%s, %s, %s", name, r.shares(n), r.shares(n))
		}
	}
	calls["mutual_information"] = func(r random) string { return "alc.math.mutual_information, {" + r.shares(4) + "}" }
	for _, name := range []string{"calibration_error", "brier_score"} {
		calls[name] = func(r random) string {
			n := 1 + r.IntN(6)
			var c, o []string
			for range n {
				c = append(c, r.one(fmt.Sprintf("%.2f", r.Float64()), "0", "1", "0.5"))
				o = append(o, strconv.Itoa(r.IntN(2)))
			}
			return fmt.Sprintf("alc.math.%s, {%s}, {%s}, %s", name, strings.Join(c, ", "), strings.Join(o, ", "), r.whole())
		}
	}
	calls["rng"] = func(r random) string {
		lo := r.IntN(1000) - 500
		return fmt.Sprintf(`function() local m = alc.math local h, t = m.rng_create(%d), {}
			for i = 1, 40 do t[i] = i %% 2 == 0 and m.rng_int(h, %d, %d) or m.rng_float(h) end t[41] = m.uniform_sample(h, -2, 3) return t end`,
			r.Int64(), lo, lo+r.IntN(1<<r.IntN(40)))
	}
	return calls
}

// chosen tells where we differ on purpose; section numbers are those of the specification of alc.math.
func chosen(name, call, ours, theirs string) bool {
	switch name {
	case "lgamma": // the original has no value where the gamma function is negative
		return theirs == "nan"
	case "regularized_incomplete_gamma": // it raises at 0 and infinity, and looks at a last
		return theirs == "error" && (ours == "0" || ours == "1" || ours == "nan") || theirs == "nan" && strings.Contains(call, "0/0")
	case "gamma_cdf": // it looks at the shape last
		return ours == "error" && strings.Contains(call, "1/0")
	case "beta_ppf": // its search stops early
		x, err1 := strconv.ParseFloat(ours, 64)
		y, err2 := strconv.ParseFloat(theirs, 64)
		return err1 == nil && err2 == nil && math.Abs(x-y) < 1e-8
	case "wilson_ci": // it answers what cannot be; at a confidence of 1 it has no center
		return ours == "error" || strings.Contains(theirs, "center=nan")
	case "ks_test": // it gives p 0 for equal samples
		return strings.Contains(theirs, "d_stat=0 ")
	case "kendall_tau": // it takes 0.0 and -0.0 for different
		return strings.Contains(call, "0.0")
	case "beta", "ln_beta", "beta_mean", "beta_variance", "regularized_incomplete_beta":
		// With an infinite shape it gives NaN, where there is a limit.
		return theirs == "nan" && strings.Contains(call, "1/0")
	}
	return false
}

const mathComparing = `
local function show(v)
  if type(v) == "table" then
    local out, keys = {}, {}
    for i = 1, #v do out[i] = show(v[i]) end
    for k in pairs(v) do if math.type(k) ~= "integer" then keys[#keys + 1] = k end end
    table.sort(keys)
    for _, k in ipairs(keys) do out[#out + 1] = k .. "=" .. show(v[k]) end
    return "{ " .. table.concat(out, " ") .. " }"
  end
  if v ~= v then return "nan" end
  return math.type(v) == "float" and string.format("%.17g", v) or tostring(v)
end
local out = {}
local function try(...)
  local ok, v = pcall(...)
  out[#out + 1] = ok and show(v) or "error"
end
`

// alike compares shown values: numbers to nine digits, which is what the original has.
func closeTo(a, b string) bool {
	x, y := strings.Fields(a), strings.Fields(b)
	if len(x) != len(y) {
		return false
	}
	for i := range x {
		if x[i] == y[i] {
			continue
		}
		kx, vx, _ := cutLast(x[i])
		ky, vy, _ := cutLast(y[i])
		f, err1 := strconv.ParseFloat(vx, 64)
		g, err2 := strconv.ParseFloat(vy, 64)
		if kx != ky || err1 != nil || err2 != nil || !(f == g || math.Abs(f-g) <= 1e-9*math.Max(math.Abs(f), math.Abs(g))+1e-13) {
			return false
		}
	}
	return true
}

func cutLast(s string) (before, after string, found bool) {
	if i := strings.LastIndexByte(s, '='); i >= 0 {
		return s[:i], s[i+1:], true
	}
	return "", s, false
}

// alc.math answers random arguments as the original does. It runs when ALC_REFERENCE names the
// original's binary, version 0.51.0.
func TestMathAgainstReference(t *testing.T) {
	binary := os.Getenv("ALC_REFERENCE")
	if binary == "" {
		t.Skip("set ALC_REFERENCE to the binary of the original, version 0.51.0, to compare with it")
	}
	home := t.TempDir()
	cmd := exec.CommandContext(t.Context(), binary)
	cmd.Env = append(os.Environ(), "ALC_HOME="+home, "HOME="+home)
	cmd.Dir = home
	c, err := rawmcp.Start(t.Context(), cmd)
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	for name, call := range mathCalls() {
		t.Run(name, func(t *testing.T) {
			r := random{rand.New(rand.NewPCG(9, 0))}
			var calls []string
			for range 300 {
				calls = append(calls, call(r))
			}
			code := mathComparing + "try(" + strings.Join(calls, ")\ntry(") + ")\nreturn out"
			var theirs struct {
				Status, Error string
				Result        []string
			}
			// The original never comes back from some arguments.
			ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
			defer cancel()
			if err := c.Tool(ctx, "alc_run", map[string]any{"code": code}, &theirs); err != nil || theirs.Status != "completed" {
				t.Fatalf("the reference: %v %+v", err, theirs)
			}
			o := begin(t, newMemHost(), start(code)).Outcome()
			var ours []string
			if err := json.Unmarshal(o.Output, &ours); err != nil {
				t.Fatalf("%v: %+v", err, o.Failure)
			}
			failed := 0
			for i, call := range calls {
				if !closeTo(ours[i], theirs.Result[i]) && !chosen(name, call, ours[i], theirs.Result[i]) {
					if failed++; failed <= 3 {
						t.Errorf("%s\nours      %s\nreference %s", call, ours[i], theirs.Result[i])
					}
				}
			}
		})
	}
}
