module panopticon.dev/components/pause

go 1.26.0
