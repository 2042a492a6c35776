// The post-job step: runs when the job is over, however that ended, a killed Python included. Says and starts nothing unless the step
// has left word (python/ropeway/azure/main.py, PENDING) that something of its is still to be undone.
'use strict';

if (process.env.VSTS_TASKVARIABLE_ROPEWAY_PENDING) require('./launch.js');
