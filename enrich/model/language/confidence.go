package language

// confidence is how often answers like this one are right, in thousandths.
func (a *Answer) confidence() int {
	switch {
	case a.Code == "":
		return 0
	case a.ByRule:
		return ruled
	}
	return calibration()[lengthBucket(a.Letters)][marginBucket(a.Margin)]
}

// lengthBucket and marginBucket cut answers into kinds.
func lengthBucket(letters int) int { return bucket([]int{4, 7, 11, 19, 39, 79}, letters) }
func marginBucket(points int) int {
	return bucket([]int{1, 3, 6, 10, 15, 22, 31, 43, 60, 85, 120, 170, 250}, points)
}

// The number of buckets.
const (
	lengths = 7
	margins = 14
)

// bucket is the number of bounds that n is above.
func bucket(bounds []int, n int) int {
	for i, b := range bounds {
		if n <= b {
			return i
		}
	}
	return len(bounds)
}
