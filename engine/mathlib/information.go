package mathlib

import "math"

// distribution refuses what is no probability distribution: negative values, or a sum further
// from 1 than rounding to single precision of each value may bring it.
func distribution(name string, p []float64) error {
	if err := nonEmpty(p); err != nil {
		return err
	}
	for i, v := range p {
		if !(v >= 0) {
			return badf("%s[%d] must not be negative, got %v", name, i+1, v)
		}
	}
	return sumsToOne(name, sum(p), len(p))
}

func sumsToOne(name string, s float64, n int) error {
	if tol := 32 * math.Sqrt(float64(n)) * 0x1p-24; !(math.Abs(s-1) <= tol) {
		return badf("%s must sum to 1 (within %.3g), its sum is %v", name, tol, s)
	}
	return nil
}

func distributions(p, q []float64) error {
	if err := distribution("p", p); err != nil {
		return err
	}
	if err := distribution("q", q); err != nil {
		return err
	}
	return paired(p, q, 1)
}

// xlogy is x·ln y, and 0 where x is.
func xlogy(x, y float64) float64 {
	if x == 0 {
		return 0
	}
	return x * math.Log(y)
}

// relative is p·ln(p/q): 0 where p is, infinite where only q is 0.
func relative(p, q float64) float64 {
	if p == 0 {
		return 0
	}
	if r := p / q; r > 0 && r <= maxFloat {
		return p * math.Log(r)
	}
	return p * (math.Log(p) - math.Log(q))
}

// Entropy returns -Σ p ln p in nats.
func Entropy(p []float64) (float64, error) {
	if err := distribution("p", p); err != nil {
		return 0, err
	}
	var a accumulator
	for _, v := range p {
		a.add(-xlogy(v, v))
	}
	return a.value() + 0, nil
}

// KLDivergence returns Σ p ln(p/q) in nats (Kullback and Leibler 1951), infinite where q is 0 and
// p is not.
func KLDivergence(p, q []float64) (float64, error) {
	if err := distributions(p, q); err != nil {
		return 0, err
	}
	var a accumulator
	for i := range p {
		a.add(relative(p[i], q[i]))
	}
	return a.value(), nil
}

// CrossEntropy returns -Σ p ln q in nats, infinite where q is 0 and p is not.
func CrossEntropy(p, q []float64) (float64, error) {
	if err := distributions(p, q); err != nil {
		return 0, err
	}
	var a accumulator
	for i := range p {
		a.add(-xlogy(p[i], q[i]))
	}
	return a.value() + 0, nil
}

// JSDivergence returns the Jensen-Shannon divergence in nats (Lin 1991), 0..ln 2: the mean of
// both divergences from the mean distribution, not its root.
func JSDivergence(p, q []float64) (float64, error) {
	if err := distributions(p, q); err != nil {
		return 0, err
	}
	var a accumulator
	for i := range p {
		m := (p[i] + q[i]) / 2
		a.add(relative(p[i], m))
		a.add(relative(q[i], m))
	}
	return max(a.value()/2, 0), nil
}

// TVD returns the total variation distance ½ Σ |p-q|, 0..1.
func TVD(p, q []float64) (float64, error) {
	if err := distributions(p, q); err != nil {
		return 0, err
	}
	var a accumulator
	for i := range p {
		a.add(math.Abs(p[i] - q[i]))
	}
	return min(a.value()/2, 1), nil
}

// Hellinger returns √(½ Σ (√p-√q)²), 0..1.
func Hellinger(p, q []float64) (float64, error) {
	if err := distributions(p, q); err != nil {
		return 0, err
	}
	var a accumulator
	for i := range p {
		// √p-√q = (p-q)/(√p+√q) loses nothing where p and q nearly agree.
		if s := math.Sqrt(p[i]) + math.Sqrt(q[i]); s > 0 {
			d := (p[i] - q[i]) / s
			a.add(d * d)
		}
	}
	return min(math.Sqrt(a.value()/2), 1), nil
}

// Wasserstein returns the earth mover's distance of two distributions over positions on a line:
// Σ |P_i-Q_i|·(x_{i+1}-x_i) with cumulative P and Q. Positions increase strictly; nil stands for
// 0, 1, 2, …
func Wasserstein(p, q, support []float64) (float64, error) {
	if err := distributions(p, q); err != nil {
		return 0, err
	}
	if support != nil && len(support) != len(p) {
		return 0, badf("support must have a position for each of the %d bins, got %d", len(p), len(support))
	}
	for i := 1; i < len(support); i++ {
		if !(support[i] > support[i-1]) {
			return 0, badf("support must increase strictly, but support[%d] = %v follows %v", i+1, support[i], support[i-1])
		}
	}
	var cum, a accumulator
	for i := 0; i+1 < len(p); i++ {
		cum.add(p[i])
		cum.add(-q[i])
		step := 1.0
		if support != nil {
			step = support[i+1] - support[i]
		}
		a.add(math.Abs(cum.value()) * step)
	}
	return a.value(), nil
}

// MutualInformation returns Σ p ln(p/(row·column)) in nats, never below 0, of a joint
// distribution given as rows of one length. The cells are divided by their sum first.
func MutualInformation(joint [][]float64) (float64, error) {
	total, err := checkJoint(joint)
	if err != nil {
		return 0, err
	}
	rows, columns := make([]accumulator, len(joint)), make([]accumulator, len(joint[0]))
	for i, row := range joint {
		for j, v := range row {
			rows[i].add(v / total)
			columns[j].add(v / total)
		}
	}
	var a accumulator
	for i, row := range joint {
		for j, v := range row {
			if v > 0 {
				p := v / total
				a.add(relative(p, rows[i].value()*columns[j].value()))
			}
		}
	}
	return max(a.value(), 0), nil
}

func checkJoint(joint [][]float64) (total float64, err error) {
	if len(joint) == 0 || len(joint[0]) == 0 {
		return 0, badf("joint must have at least one row and one column")
	}
	var a accumulator
	for i, row := range joint {
		if len(row) != len(joint[0]) {
			return 0, badf("joint[%d] has %d columns and joint[1] has %d", i+1, len(row), len(joint[0]))
		}
		for j, v := range row {
			if !(v >= 0) {
				return 0, badf("joint[%d][%d] must not be negative, got %v", i+1, j+1, v)
			}
			a.add(v)
		}
	}
	return a.value(), sumsToOne("joint", a.value(), len(joint)*len(joint[0]))
}
