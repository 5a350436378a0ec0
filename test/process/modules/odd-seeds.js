/** A workload that does not verify for seeds that 3 divides, and fails for seed 5. */
export default {
  name: 'test/odd-seeds',
  summary: 'wrong for some seeds',
  parameters: { pause: { type: 'duration', default: '1.5us', help: 'of virtual time' } },
  place: () => [{ host: 0, core: 0, role: 'only' }],
  minHosts: 1,
  hosts: 1,
  async program(core, task) {
    await core.sleep(task.params.pause);
    core.count('pauses');
    return task.seed ?? 0;
  },
  summarise(_results, _params, { seed }) {
    if (seed === 5) throw new Error('seed 5 has no sum');
    const metrics = [{ name: 'figure', unit: 'ns', value: seed * 10 }];
    return { verified: seed % 3 !== 0, metrics };
  },
};
