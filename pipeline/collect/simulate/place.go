package simulate

// country is where authors live: its share of all posts, its language and its clock.
type country struct {
	code   string
	lang   string
	weight float64
	zone   int // minutes east of UTC, without summer time
	cities []city
	// platforms are weights in the order of platformNames.
	platforms [platformCount]float64
}

type city struct {
	name     string
	lat, lon float64
}

// The platforms, in the order of platformNames.
const (
	onX = iota
	onFacebook
	onBluesky
	onMastodon
	onReddit
	onWeibo
	onWikipedia
	onBlog
	onReviews
	platformCount
)

func platformNames() []string {
	return []string{"x", "facebook", "bluesky", "mastodon", "reddit", "weibo", "wikipedia", "blog", "reviews"}
}

func languageCodes() []string {
	return []string{
		"en", "de", "fr", "es", "it", "pt", "nl", "pl", "tr", "ru", "uk", "ar", "hi", "ja", "zh", "ko", "th", "id",
	}
}

// countries are the market's places. Weights are invented, with the proportions of
// public posting in mind, not measured.
func countries() []country {
	west := [platformCount]float64{26, 18, 16, 9, 16, 0, 3, 5, 7}
	fedi := [platformCount]float64{16, 18, 15, 20, 12, 0, 5, 6, 8}
	feed := [platformCount]float64{34, 40, 4, 1, 6, 0, 3, 4, 8}
	home := [platformCount]float64{4, 2, 1, 1, 1, 75, 3, 6, 7}
	east := [platformCount]float64{55, 8, 14, 6, 2, 0, 4, 6, 5}
	return []country{
		{"US", "en", 20, -360, []city{{"Chicago", 41.88, -87.63}, {"Austin", 30.27, -97.74}, {"Boston", 42.36, -71.06}, {"Seattle", 47.61, -122.33}}, west},
		{"GB", "en", 6, 0, []city{{"London", 51.51, -0.13}, {"Leeds", 53.8, -1.55}, {"Glasgow", 55.86, -4.25}}, west},
		{"IN", "hi", 5, 330, []city{{"Delhi", 28.61, 77.21}, {"Jaipur", 26.91, 75.79}, {"Lucknow", 26.85, 80.95}}, feed},
		{"AU", "en", 3, 600, []city{{"Sydney", -33.87, 151.21}, {"Perth", -31.95, 115.86}}, west},
		{"DE", "de", 7, 60, []city{{"Berlin", 52.52, 13.4}, {"Hamburg", 53.55, 9.99}, {"Leipzig", 51.34, 12.37}}, fedi},
		{"AT", "de", 1.5, 60, []city{{"Wien", 48.21, 16.37}, {"Graz", 47.07, 15.44}}, fedi},
		{"FR", "fr", 5, 60, []city{{"Paris", 48.86, 2.35}, {"Lyon", 45.76, 4.84}, {"Nantes", 47.22, -1.55}}, fedi},
		{"ES", "es", 4, 60, []city{{"Madrid", 40.42, -3.7}, {"Valencia", 39.47, -0.38}}, west},
		{"MX", "es", 4, -360, []city{{"Puebla", 19.04, -98.2}, {"Guadalajara", 20.67, -103.35}}, feed},
		{"AR", "es", 2, -180, []city{{"Rosario", -32.95, -60.65}, {"Mendoza", -32.89, -68.83}}, feed},
		{"IT", "it", 3, 60, []city{{"Milano", 45.46, 9.19}, {"Torino", 45.07, 7.69}}, west},
		{"BR", "pt", 6, -180, []city{{"Recife", -8.05, -34.88}, {"Curitiba", -25.43, -49.27}}, feed},
		{"PT", "pt", 1, 0, []city{{"Porto", 41.15, -8.61}, {"Braga", 41.55, -8.43}}, west},
		{"NL", "nl", 2, 60, []city{{"Utrecht", 52.09, 5.12}, {"Rotterdam", 51.92, 4.48}}, fedi},
		{"PL", "pl", 2.5, 60, []city{{"Gdynia", 54.52, 18.53}, {"Lublin", 51.25, 22.57}}, feed},
		{"TR", "tr", 3.5, 180, []city{{"Izmir", 38.42, 27.14}, {"Bursa", 40.18, 29.07}}, feed},
		{"KZ", "ru", 3, 300, []city{{"Almaty", 43.24, 76.89}, {"Astana", 51.17, 71.45}}, feed},
		{"UA", "uk", 2.5, 120, []city{{"Lviv", 49.84, 24.03}, {"Odesa", 46.48, 30.73}}, feed},
		{"EG", "ar", 2.5, 120, []city{{"Alexandria", 31.2, 29.92}, {"Cairo", 30.04, 31.24}}, feed},
		{"SA", "ar", 2, 180, []city{{"Jeddah", 21.49, 39.19}, {"Riyadh", 24.71, 46.68}}, east},
		{"JP", "ja", 7, 540, []city{{"Osaka", 34.69, 135.5}, {"Sapporo", 43.06, 141.35}, {"Tokyo", 35.68, 139.69}}, east},
		{"CN", "zh", 6, 480, []city{{"Chengdu", 30.57, 104.07}, {"Shanghai", 31.23, 121.47}}, home},
		{"KR", "ko", 3, 540, []city{{"Busan", 35.18, 129.08}, {"Daegu", 35.87, 128.6}}, east},
		{"TH", "th", 2.5, 420, []city{{"Bangkok", 13.76, 100.5}, {"Chiang Mai", 18.79, 98.98}}, feed},
		{"ID", "id", 3.5, 420, []city{{"Bandung", -6.92, 107.61}, {"Surabaya", -7.26, 112.75}}, feed},
	}
}
