import { openWith } from '@manifold-db/core/internal';
import fs from 'node:fs';
const mode=process.argv[2]??'pipelined', batch=+(process.argv[3]??1000), added=+(process.argv[4]??0);
const dir='/work/.bench-seed';
async function run(batches){
fs.rmSync(dir,{recursive:true,force:true});
const db=await openWith(dir,{mode},{vfsSpec: added?{kind:'slow',addedSyncLatencyUs:added}:{kind:'real'}});
const cfs=Array.from({length:8},(_,i)=>db.columnFamily('cf'+i,{keyEncoding:'buffer',valueEncoding:'buffer'}));
const value=Buffer.alloc(150,7); const key=Buffer.alloc(8);
const t=performance.now();
await Promise.all(cfs.map(async(cf,f)=>{ let n=0; for(let b=0;b<batches;b++){ await db.write(tx=>{for(let i=0;i<batch;i++){key.writeUInt32BE(n++,4);tx.put(cf,key,value)}})}}));
const dt=performance.now()-t; const st=db.stats(); const c=db.pipeline.clock;
console.log(mode,batch,added,(8*batches*batch/dt/1000).toFixed(3),'Mops/s',(8*batches/dt*1000).toFixed(0),'commits/s build',(c.buildNs/c.commits/1000).toFixed(0),'append',(c.appendNs/c.commits/1000).toFixed(0),'sync',st.log.syncLatencyUs.toFixed(0),'syncs',st.log.syncs,'ckpt',st.checkpoints.count, JSON.stringify(st.stalls.waits));
await db.close();
}
const n=+(process.argv[5]??50);
for(let i=0;i<3;i++) await run(n);
