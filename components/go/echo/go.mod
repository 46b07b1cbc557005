module panopticon.dev/components/echo

go 1.26.0
