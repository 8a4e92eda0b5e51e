#!/usr/bin/perl
# What the demo shows in a terminal: something that moves every frame, and three things a viewer can change:
# the key `g` turns the left panel green, `r` red; a click puts a magenta mark where the pointer is; other
# letters appear on the typed line. Runs in any terminal with true colour and SGR mouse reports.
use strict;
use warnings;
use Time::HiRes qw(time);

my ($columns, $rows) = (80, 24);
my ($left, $mark, $typed, $started, $frame) = ([72, 72, 80], undef, '', time, 0);
my $resized = 1;

$SIG{WINCH} = sub { $resized = 1 };
$SIG{TERM} = $SIG{INT} = sub { restore(); exit 0 };
system 'stty', 'raw', '-echo';
syswrite STDOUT, "\e[?1049h\e[?25l\e[?1003h\e[?1006h";

my @letters = (
    '####  #   # #   # #   # #####  ####  #   # #   # #   #',
    '#   # #   # ##  # #  #    #    #     #   # ##  # #  # ',
    '####  #   # # # # ###     #    ###   #   # # # # ###  ',
    '#     #   # #  ## #  #    #    #     #   # #  ## #  # ',
    '#      ###  #   # #   #   #    #      ###  #   # #   #',
);

sub restore {
    syswrite STDOUT, "\e[?1006l\e[?1003l\e[?25h\e[?1049l\e[0m";
    system 'stty', 'sane';
}

sub size {
    # Before asking: a change that comes while stty runs asks again.
    $resized = 0;
    my ($r, $c) = split ' ', `stty size`;
    ($rows, $columns) = ($r, $c) if $r && $c;
}

sub block {
    my ($x, $y, $width, $height, $colour) = @_;
    my $paint = sprintf "\e[48;2;%d;%d;%dm", @$colour;
    return join '', map { sprintf "\e[%d;%dH%s%s", $y + $_, $x, $paint, ' ' x $width } 0 .. $height - 1;
}

sub title {
    my $x = int(($columns - length $letters[0]) / 2) + 1;
    my $out = '';
    for my $line (0 .. $#letters) {
        my $text = $letters[$line];
        $text =~ s/(#+)|( +)/$1 ? "\e[48;2;255;200;40m" . ' ' x length $1 : "\e[48;2;24;26;40m" . ' ' x length $2/ge;
        $out .= sprintf "\e[%d;%dH%s", 2 + $line, $x, $text;
    }
    return $out;
}

sub paint {
    my $out = "\e[?2026h\e[48;2;24;26;40m" . ($resized ? "\e[2J" : '');
    size() if $resized;
    my ($half, $band) = (int($columns / 2), 9);
    my $height = $rows - $band - 4;
    $out .= title() . block(3, $band, $half - 4, $height, $left) . block($half + 1, $band, $half - 2, $height, [40, 48, 96]);
    if ($mark) {
        $out .= block($mark->[0] - 2, $mark->[1] - 1, 5, 3, [255, 0, 255]);
    }
    my $travel = $columns - 10;
    my $at = int(abs(($frame % (2 * $travel)) - $travel)) + 2;
    $out .= sprintf "\e[%d;1H\e[48;2;24;26;40m\e[2K", $rows - 3;
    $out .= block($at, $rows - 3, 8, 1, [80, 220, 255]) . "\e[48;2;24;26;40m\e[38;2;230;230;230m";
    $out .= sprintf "\e[%d;3H%dx%d cells   %7.2f s   frame %d\e[K", $rows - 1, $columns, $rows, time - $started, $frame;
    $out .= sprintf "\e[%d;3Htyped: %s\e[K\e[?2026l", $rows, $typed;
    syswrite STDOUT, $out;
    $frame++;
}

sub act {
    my ($bytes) = @_;
    while (length $bytes) {
        if ($bytes =~ s/^\e\[<(\d+);(\d+);(\d+)([Mm])//) {
            $mark = [$2, $3] if $1 == 0 && $4 eq 'M';
        } elsif ($bytes =~ s/^\e\[[0-9;?]*[A-Za-z]//) {
            next;
        } else {
            my $key = substr $bytes, 0, 1, '';
            if ($key eq "\x03") { restore(); exit 0 }
            $left = [0, 200, 0] if $key eq 'g';
            $left = [210, 0, 0] if $key eq 'r';
            $typed = substr "$typed$key", -40 if $key =~ /[ -~]/;
        }
    }
}

my $next = time;
while (1) {
    paint();
    $next += 1 / 60;
    $next = time if $next < time;
    while ((my $left_s = $next - time) > 0) {
        my $ready = '';
        vec($ready, fileno(STDIN), 1) = 1;
        # A resize interrupts select, which then returns -1.
        next unless select($ready, undef, undef, $left_s) > 0;
        last unless sysread STDIN, my $bytes, 4096;
        act($bytes);
    }
}
