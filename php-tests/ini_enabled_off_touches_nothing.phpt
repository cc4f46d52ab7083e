--TEST--
With promshm.enabled=0 an existing segment is neither wiped nor read
--DESCRIPTION--
A command with metrics disabled used to wipe the shared segment of all other processes.
--INI--
promshm.segment=sysv:0x${PROMSHM_RUN}201
--FILE--
<?php
require __DIR__ . '/common.inc';

(new Promshm\Counter('c_total'))->inc();
echo run_php('
    use Promshm\CollectorRegistry;
    (new Counter("c_total"))->inc();
    $registry = new CollectorRegistry(registerDefaultMetrics: true);
    var_dump(Segment::render(), count($registry->getMetricFamilySamples()), (new Counter("c_total"))->remove());
    Segment::wipe();
    $registry->wipeStorage();
    $status = Segment::status();
    var_dump($status["enabled"], $status["series"], $status["worker_starts"], $status["error"]);
    ob_start();
    phpinfo(INFO_MODULES);
    preg_match_all("/^(Status|Segment state|Series used.*) => .*$/m", ob_get_clean(), $rows);
    echo implode("\n", preg_grep("/disabled|state|used/", $rows[0])), "\n";
', ['promshm.enabled' => '0']);
(new Promshm\Counter('c_total'))->inc();
show();
var_dump(Promshm\Segment::status()['worker_starts']);
?>
--CLEAN--
<?php require __DIR__ . '/clean.inc'; ?>
--EXPECT--
string(0) ""
int(0)
bool(false)
bool(false)
int(0)
int(0)
NULL
Status => disabled (promshm.enabled=0)
c_total 2
int(1)
