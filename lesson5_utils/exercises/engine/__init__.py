"""The checking engine: how an exercise is written, tried, compared and answered.

decorate    @exercise and @challenge: how exercises are written
judge       an exercise and its report: judging, naming slips, `use`
challenge   an exercise whose answers have a score
trial       one answer on one case: result, changed inputs, gradients, functions called
compare     what differs between two results
show        values as text
cases       inputs to try
values      answers that are values, not functions
cell_above  whether the cell above has stopped
written     the title and the text of what a learner has written
guess       bets, and numbers that stand for about themselves
watch       what a training loop does
whole_loop  a whole training loop, judged by what it did

What the checks of a notebook need is handed on by `lesson5_utils.exercises`.
"""
