package mathlib

import "math"

// Calibration is how far confidences are from how often they were right.
type Calibration struct {
	ECE, MCE float64 // expected and maximum calibration error
	Bins     []CalibrationBin
	Used     int64 // bins that are not empty
}

// CalibrationBin holds the means of one bin; both are 0 where it is empty.
type CalibrationBin struct {
	Count                int64
	Confidence, Accuracy float64
}

// CalibrationError sorts predictions in n bins of equal width by their confidence and compares
// each bin's mean confidence with its share of outcomes that are 1. Bins hold their lower edge
// i/n; 1.0 falls in the last. (Guo et al. 2017 let them hold the upper edge.)
func CalibrationError(confidences, outcomes []float64, n int) (Calibration, error) {
	if err := checkOutcomes(confidences, outcomes); err != nil {
		return Calibration{}, err
	}
	if n < 1 {
		return Calibration{}, badf("bins must be at least 1, got %d", n)
	}
	c := Calibration{Bins: make([]CalibrationBin, n)}
	sums := make([]accumulator, n)
	for i, p := range confidences {
		k := min(int(p*float64(n)), n-1)
		c.Bins[k].Count++
		c.Bins[k].Accuracy += outcomes[i]
		sums[k].add(p)
	}
	var ece accumulator
	for k := range c.Bins {
		b := &c.Bins[k]
		if b.Count == 0 {
			continue
		}
		c.Used++
		b.Accuracy /= float64(b.Count)
		b.Confidence = sums[k].value() / float64(b.Count)
		gap := math.Abs(b.Accuracy - b.Confidence)
		ece.add(gap * float64(b.Count) / float64(len(confidences)))
		c.MCE = max(c.MCE, gap)
	}
	c.ECE = ece.value()
	return c, nil
}

// BrierScore returns the mean of (confidence-outcome)² (Brier 1950).
func BrierScore(confidences, outcomes []float64) (float64, error) {
	if err := checkOutcomes(confidences, outcomes); err != nil {
		return 0, err
	}
	var a accumulator
	for i, p := range confidences {
		d := p - outcomes[i]
		a.add(d * d)
	}
	return a.value() / float64(len(confidences)), nil
}

func checkOutcomes(confidences, outcomes []float64) error {
	if err := paired(confidences, outcomes, 1); err != nil {
		return err
	}
	for i, p := range confidences {
		if !(p >= 0 && p <= 1) {
			return badf("confidences[%d] must lie in 0..1, got %v", i+1, p)
		}
	}
	for i, o := range outcomes {
		if o != 0 && o != 1 {
			return badf("outcomes[%d] must be 0 or 1, got %v", i+1, o)
		}
	}
	return nil
}
