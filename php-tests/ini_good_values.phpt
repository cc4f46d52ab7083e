--TEST--
Size suffixes, octal modes and decimal keys are accepted
--DESCRIPTION--
They are written as in the rest of php.ini and as chmod writes them.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}03a
--FILE--
<?php
require __DIR__ . '/common.inc';

use Promshm\{Counter, Segment};

$show = 'echo Segment::status()["reserved_bytes"], " ", decoct(0777 & octdec(kernel_row()["perms"])), "\n";';
$use = '(new Counter("c_total"))->inc(); Segment::status()["attached"] || print("not attached\n");';
foreach (['64M' => '0600', '1G' => '0644', '67108864' => '640', '65536K' => '0660'] as $size => $mode) {
    echo "$size $mode: ", run_php($use . $show, ['promshm.size' => $size, 'promshm.mode' => $mode]);
    remove_segment();
}
run_php($use);
echo run_php('show();', ['promshm.segment' => 'sysv:' . segment_key()]);
echo run_php('show();', ['promshm.segment' => sprintf('sysv:0X%X', segment_key())]);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
64M 0600: 67108864 600
1G 0644: 1073741824 644
67108864 640: 67108864 640
65536K 0660: 67108864 660
c_total 1
c_total 1
