// A peer of bench_resilience, in the same words as peers.mjs: `gobreaker speed|behaviours`. Built by `run`.
package main

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"sort"
	"strings"
	"time"

	"github.com/sony/gobreaker/v2"
)

const coolDown = 300 * time.Millisecond
const failures = 3

var errFailure, errIgnored = errors.New("down"), errors.New("not found")
var called int

type breaker = gobreaker.CircuitBreaker[int]

func newBreaker(wait time.Duration) *breaker {
	return gobreaker.NewCircuitBreaker[int](gobreaker.Settings{
		Timeout:     wait,
		ReadyToTrip: func(c gobreaker.Counts) bool { return c.ConsecutiveFailures >= failures },
		IsExcluded:  func(err error) bool { return errors.Is(err, errIgnored) },
	})
}

func trip(b *breaker) {
	for i := 0; i < failures; i++ {
		b.Execute(func() (int, error) { return 0, errFailure })
	}
	if b.State() != gobreaker.StateOpen {
		panic("gobreaker does not trip")
	}
}

func state(b *breaker) string {
	return strings.ReplaceAll(strings.ToUpper(b.State().String()), "-", "_")
}

// ---- Speed ----

func median(slice func(count int), count int) float64 {
	var ns []float64
	slice(count)
	for i := 0; i < 101; i++ {
		start := time.Now()
		slice(count)
		ns = append(ns, float64(time.Since(start).Nanoseconds())/float64(count))
	}
	sort.Float64s(ns)
	return ns[len(ns)/2]
}

//go:noinline
func action() (int, error) {
	called++
	return called, nil
}

func heap() uint64 {
	var stats runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&stats)
	return stats.HeapAlloc
}

func speed() {
	fmt.Printf("bare %.2f\n", median(func(count int) {
		for i := 0; i < count; i++ {
			action()
		}
	}, 100000))
	closed := newBreaker(coolDown)
	fmt.Printf("closed %.2f\n", median(func(count int) {
		for i := 0; i < count; i++ {
			closed.Execute(action)
		}
	}, 20000))
	open := newBreaker(time.Hour)
	trip(open)
	fmt.Printf("refusal %.2f\n", median(func(count int) {
		for i := 0; i < count; i++ {
			open.Execute(action)
		}
	}, 20000))
	before := heap()
	many := make([]*breaker, 10000)
	for i := range many {
		many[i] = newBreaker(coolDown)
	}
	fmt.Printf("bytes %.2f\n", float64(heap()-before)/float64(len(many)))
	runtime.KeepAlive(many)
}

// ---- The behaviours ----

func verdict(number int, pass bool, seen string) {
	words := map[bool]string{true: "pass", false: "fail"}
	fmt.Printf("%d %s %s\n", number, words[pass], seen)
}

// A call that is under way until its channel is closed; it is admitted when this returns true.
func pending(b *breaker, end chan struct{}, done chan struct{}) bool {
	admitted := make(chan bool, 1)
	go func() {
		_, err := b.Execute(func() (int, error) {
			admitted <- true
			<-end
			return 0, nil
		})
		if err != nil {
			admitted <- false
		}
		close(done)
	}()
	return <-admitted
}

func lateSuccess() {
	b := newBreaker(coolDown)
	early, earlyDone, probe := make(chan struct{}), make(chan struct{}), make(chan struct{})
	first := pending(b, early, earlyDone)
	trip(b)
	time.Sleep(coolDown + 50*time.Millisecond)
	second := pending(b, probe, make(chan struct{}))
	close(early)
	<-earlyDone
	verdict(1, first && second && state(b) == "HALF_OPEN", "after it: "+state(b))
}

func twentyAtOnce() {
	b := newBreaker(coolDown)
	trip(b)
	time.Sleep(coolDown + 50*time.Millisecond)
	admitted := 0
	for i := 0; i < 20; i++ {
		if pending(b, make(chan struct{}), make(chan struct{})) {
			admitted++
		}
	}
	verdict(2, admitted == 1, fmt.Sprintf("admitted: %d", admitted))
}

func lostProbe() {
	b := newBreaker(coolDown)
	trip(b)
	time.Sleep(coolDown + 50*time.Millisecond)
	first, again := pending(b, make(chan struct{}), make(chan struct{})), false
	for i := 0; i < 60 && !again; i++ {
		time.Sleep(50 * time.Millisecond)
		b.Execute(func() (int, error) { again = true; return 0, nil })
	}
	what := "no other probe in 3 s, "
	if again {
		what = "another probe, then "
	}
	verdict(3, first && again && state(b) == "CLOSED", what+state(b))
}

func ignoredProbe() {
	b := newBreaker(coolDown)
	trip(b)
	time.Sleep(coolDown + 50*time.Millisecond)
	first := false
	b.Execute(func() (int, error) { first = true; return 0, errIgnored })
	after := state(b)
	again := pending(b, make(chan struct{}), make(chan struct{}))
	verdict(4, first && after == "HALF_OPEN" && again, "after it: "+after)
}

func main() {
	if len(os.Args) == 2 && os.Args[1] == "speed" {
		speed()
		return
	}
	lateSuccess()
	twentyAtOnce()
	lostProbe()
	ignoredProbe()
	// Go reads the wall clock from the kernel's page: it can't be set wrong for one process.
	fmt.Println("5 untried")
}
